"""scripts/family.py: equal budgets, every arm learns, a run resumes to the bit, rows are complete."""

import json
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from blanks_while_training import SENTENCES, SHOWN, answers
from family import parse_arguments
from relatives import models, runs, scores, two_stages
from relatives.arms import ALL, ARMS, BOTH_STAGES, SECOND_STAGES, STARTS
from relatives.arrays import Batches
from relatives.exams import balanced
from relatives.models import losses_of, masked_losses, new_config, new_model
from relatives.prepared import steps_for
from relatives.steps import warm_then_linear
from relatives.training import OutOfTime, train
from safetensors.torch import save_model
from tiny_family import BATCH_SIZE, tiny_data

from utils.pretraining import IGNORE, BertForMaskedPreTraining
from utils.profile import course_root

TRAINED = [name for name, arm in ARMS.items() if arm.trained]
BUDGET = 35_000_000  # tokens of the recorded arms
RECORDED_SEEDS = (0, 1)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return tiny_data(tmp_path_factory.mktemp("family"))


def tiny_config(data):
    return new_config(data.tokenizer, layers=1, hidden=64, heads=2)


def trained(data, folder, name, steps, seed=0, **options):
    arm = ARMS[name]
    rows = data.rows(seed, 0, arm.running, passes=2)
    options = {"save_every": 0, "log_every": 2} | options
    return train(arm, seed, steps, rows, data, folder, tiny_config(data), **options)


@pytest.mark.parametrize("name", ["token", "nsp_full", "rtd_on"])
def test_losses_without_padding_are_those_with_it(data, name):
    arm, config = ALL[name], tiny_config(data)
    model = new_model(arm, config, 0)
    batch = Batches(data.corpus, data.rows(0, 0, passes=1), data.tokenizer, BATCH_SIZE)[0]
    assert not batch["attention_mask"].all()

    def losses_and_gradients():
        model.zero_grad()
        generator = torch.Generator().manual_seed(0)
        losses = losses_of(arm, model, batch, data.tokenizer, generator)
        losses["loss"].backward()
        return losses, {key: each.grad for key, each in model.named_parameters()}

    lean, lean_gradients = losses_and_gradients()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(two_stages, "has_lean_layers", lambda ids: False)
        patch.setattr(models, "has_lean_layers", lambda ids: False)
        padded, gradients = losses_and_gradients()
    assert lean.keys() == padded.keys()
    for key, value in lean.items():
        assert value.item() == pytest.approx(padded[key].item(), rel=1e-4), key
    for key, gradient in gradients.items():
        if gradient is None:
            assert lean_gradients[key] is None or not lean_gradients[key].any(), key
        else:
            torch.testing.assert_close(lean_gradients[key], gradient, rtol=1e-3, atol=1e-6)


def test_a_second_stage_begins_as_the_first_ended(data, tmp_path):
    first = new_model(ARMS["token"], tiny_config(data), 7)
    save_model(first, str(tmp_path / "token.safetensors"))
    rows = data.rows(0, 0, passes=1)
    for name in (*SECOND_STAGES, "rtd_after"):
        seen = []
        model, _ = train(
            ALL[name], 0, 2, rows, data, tmp_path / name, tiny_config(data),
            begin=tmp_path / "token.safetensors",
            visit=lambda step, model, seen=seen: seen.append(weights_of(model)),
        )  # fmt: skip
        key = "bert.encoder.layer.0.output.dense.weight"
        assert torch.equal(seen[0][key], first.state_dict()[key]), name
        assert not torch.equal(seen[-1][key], first.state_dict()[key]), name
        if ALL[name].two_stages:  # the generator stays as it is
            frozen = model.generator.state_dict()
            assert all(torch.equal(frozen[key], each) for key, each in first.state_dict().items())


def weights_of(model):
    return {name: each.clone() for name, each in model.state_dict().items()}


def test_arms_have_equal_budgets(data):
    budget = 900
    read = {}
    for name in TRAINED:
        rows = data.rows(0, budget, ARMS[name].running)
        steps = steps_for(rows, budget, BATCH_SIZE)
        tokens = rows.text_tokens()[: steps * BATCH_SIZE]
        read[name] = (steps, int(tokens.sum()), rows.lengths()[: steps * BATCH_SIZE].tolist())
        assert budget <= read[name][1] < budget + int(tokens[-BATCH_SIZE:].sum())
    same = [read[name] for name in TRAINED if not ARMS[name].running]
    assert all(each == same[0] for each in same)  # the same rows, in the same order


def test_arms_differ_in_what_is_asked_only(data):
    rows = data.rows(0, 100)
    first = {}
    for name in TRAINED:
        if not ARMS[name].running:
            batches = Batches(data.corpus, rows, data.tokenizer, BATCH_SIZE, ARMS[name].masking)
            first[name] = batches[0]
    for name, batch in first.items():
        assert torch.equal(batch["originals"], first["token"]["originals"])
        same_mask = torch.equal(batch["input_ids"], first["token"]["input_ids"])
        assert same_mask == (ARMS[name].masking == "token"), name
    starts = [
        new_model(ARMS[name], tiny_config(data), 1).bert.state_dict()
        for name in ("token", "span", "nsp")
    ]
    for other in starts[1:]:
        assert all(torch.equal(value, other[name]) for name, value in starts[0].items())


@pytest.mark.parametrize("name", TRAINED)
def test_every_arm_learns(data, tmp_path, name):
    _, log = trained(data, tmp_path, name, 160, seed=2, learning_rate=1e-2, log_every=40)
    first, last = log[0], log[-1]
    if name == "rtd":  # by a quarter and an eighth, on one thread and on two
        assert last["generator_loss"] < 0.85 * first["generator_loss"]
        late = (log[-2]["detection_loss"] + last["detection_loss"]) / 2
        assert late < 0.93 * first["detection_loss"]
    else:
        assert last["mlm_loss"] < 0.8 * first["mlm_loss"]
        assert last["held_out_mlm_loss"] > 0
    if name == "nsp_full":
        assert last["nsp_loss"] < first["nsp_loss"]
    assert ("nsp_loss" in first) == name.startswith("nsp")


def test_one_batch_of_replaced_tokens_is_learnt_by_heart(data):
    """The same masks and samples again and again: in the end every replaced token is found."""
    model = new_model(ARMS["rtd"], tiny_config(data), 0)
    batch = Batches(data.corpus, data.rows(0, 100), data.tokenizer, BATCH_SIZE)[0]
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    log = []
    for _ in range(160):
        losses = losses_of(
            ARMS["rtd"], model, batch, data.tokenizer, torch.Generator().manual_seed(0)
        )
        losses["loss"].backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        log.append(
            (float(losses["replaced"]), float(losses["found"]), float(losses["detection_loss"]))
        )
    assert log[0][2] > 0.5
    # Found while there was still something to find: later the generator guesses right.
    assert any(replaced > 0 and found == 1 and loss < 0.05 for replaced, found, loss in log)


def test_losses_are_those_of_the_course_model(data):
    config = tiny_config(data)
    rows = data.rows(0, 100)
    batches = Batches(data.corpus, rows, data.tokenizer, BATCH_SIZE)
    batch = next(each for each in batches if (each["next_sentence_label"] != IGNORE).any())
    labels = torch.full((batch["input_ids"].numel(),), IGNORE)
    labels[batch["places"]] = batch["answers"]
    torch.manual_seed(0)
    model = BertForMaskedPreTraining(config).eval()
    model.nsp_weight = 0.2
    given = {name: batch[name] for name in ("input_ids", "token_type_ids", "next_sentence_label")}
    with torch.no_grad():
        losses = masked_losses(model, batch, 0.2)
        mask = batch["attention_mask"].long()
        wanted = model(**given, attention_mask=mask, labels=labels.view_as(mask)).loss
    assert losses["nsp_loss"] > 0
    assert torch.isclose(losses["loss"], wanted, atol=1e-5)


def test_a_batch_without_questions_has_a_loss(data):
    """Headlines alone: no pair among them, and the NSP loss must not be 0 / 0."""
    model = new_model(ARMS["nsp"], tiny_config(data), 0)
    batch = Batches(data.corpus, data.rows(0, 100), data.tokenizer, BATCH_SIZE)[0]
    batch["next_sentence_label"] = torch.full((BATCH_SIZE,), IGNORE)
    losses = masked_losses(model, batch, 1.0)
    assert losses["nsp_loss"] == 0 and torch.isfinite(losses["loss"])


@pytest.mark.parametrize("name", ["token", "rtd", "nsp"])
def test_an_interrupted_run_ends_the_same(data, tmp_path, name):
    whole, log = trained(data, tmp_path / "whole", name, 10)
    calls = iter(range(100))

    def check():
        if next(calls) == 2:  # at the third log, after six steps
            raise OutOfTime

    with pytest.raises(OutOfTime):
        trained(data, tmp_path / "parts", name, 10, check=check)
    resumed_at = []
    again, log_again = trained(
        data, tmp_path / "parts", name, 10, visit=lambda step, _: resumed_at.append(step)
    )
    assert resumed_at[0] == 6
    for one, other in zip(whole.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)
    for one, other in zip(log, log_again, strict=True):
        assert {**one, "seconds": 0} == {**other, "seconds": 0}


def arguments(data, results, **options):
    standing = {
        "work": data.work, "results": results, "tokens": 300, "batch_size": BATCH_SIZE,
        "learning_rate": 1e-3, "arms": ["token"], "seeds": [0], "at_once": 1, "workers": 0,
        "save_every": 0, "compiled": False, "minutes": None, "begin": None,
        "measure_every": 500,
    }  # fmt: skip
    return SimpleNamespace(**(standing | options))


@pytest.fixture
def tiny_shape(monkeypatch):
    monkeypatch.setattr(runs, "new_config", lambda tokenizer: new_config(tokenizer, 1, 32, 2))


def test_rows_are_recorded_once(data, tmp_path, monkeypatch, tiny_shape, capsys):
    monkeypatch.setattr(
        runs, "scores_of", lambda *_, **__: {"titles_200": np.float32(0.5), "words": 3}
    )
    runs.train_missing(arguments(data, tmp_path, arms=["token", "untrained"]))
    rows = [json.loads(line) for line in (tmp_path / "family.jsonl").read_text().splitlines()]
    assert [(row["arm"], row["seed"], row["budget"]) for row in rows] == [
        ("token", 0, 300), ("untrained", 0, 0),
    ]  # fmt: skip
    assert rows[0]["tokens"] >= 300 and rows[1]["tokens"] == 0
    assert rows[0]["words"] == 3 and rows[0]["titles_200"] == 0.5
    assert (tmp_path / "nsp_mini.jsonl").read_text() == (tmp_path / "family.jsonl").read_text()
    losses = json.loads((tmp_path / "family_losses.jsonl").read_text())
    assert losses["rows"][-1][losses["columns"].index("step")] == rows[0]["steps"]
    capsys.readouterr()
    runs.train_missing(arguments(data, tmp_path, arms=["token", "untrained"]))
    assert "0 arms" in capsys.readouterr().out
    assert len((tmp_path / "family.jsonl").read_text().splitlines()) == 2
    runs.train_missing(arguments(data, tmp_path, tokens=200))  # another budget is another arm
    assert len((tmp_path / "family.jsonl").read_text().splitlines()) == 3


def test_without_time_nothing_begins(data, tmp_path, tiny_shape, capsys):
    runs.train_missing(arguments(data, tmp_path, minutes=1e-9, seeds=[5]))
    assert "no time left" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())


def test_an_arm_begins_as_the_trained_one(data, tmp_path):
    token, _ = trained(data, tmp_path / "token", "token", 10)
    save_model(token, tmp_path / "token.safetensors")
    seen = {}

    def visit(step, model):
        trunks = model.generator.electra, model.bert
        theirs = token.bert.encoder.layer[0].output.dense.weight
        seen[step] = [
            torch.equal(each.encoder.layer[0].output.dense.weight, theirs) for each in trunks
        ]
        if step == 0:  # it fills blanks as the trained one does
            ids, places = torch.arange(6).reshape(1, 6), torch.tensor([2, 4])
            ours = model.eval().generator_logits(ids, places)
            assert torch.allclose(ours, scores.fill_with(token.eval(), ids, places), atol=1e-5)
            model.train()

    rows = data.rows(0, 100)
    options = {"save_every": 0, "visit": visit, "begin": tmp_path / "token.safetensors"}
    arm, folder = STARTS["rtd_begun"], tmp_path / "begun"
    train(arm, 0, 2, rows, data, folder, tiny_config(data), **options)
    assert seen == {0: [True, True], 1: [False, False], 2: [False, False]}


def test_a_generator_of_another_size_cannot_begin_as_the_trained_one(data):
    model = new_model(ARMS["rtd"], tiny_config(data), 0)
    token = new_model(ARMS["token"], tiny_config(data), 0)
    with pytest.raises(ValueError, match="share=1"):
        model.begin_as(token)


def test_an_arm_that_begins_as_another_asks_for_its_weights(data, capsys):
    with pytest.raises(SystemExit):
        parse_arguments(["train", "--work", str(data.work), "--arms", "rtd_begun"])
    assert "give its --begin" in capsys.readouterr().err


def test_replaced_tokens_are_told_apart_by_who_knows_them(data):
    """A judge that has the originals finds all; one that answers by chance finds half."""
    model = new_model(ARMS["rtd"], tiny_config(data), 0).eval()
    ids = torch.from_numpy(data.scores["tokens.ids"].astype(np.int64))
    labels = torch.from_numpy(data.scores["tokens.labels"].astype(np.int64))
    originals = torch.where(labels != IGNORE, labels, ids)

    def knows(ids, **_):
        same = (ids[:, None] == originals[None, :, : ids.shape[1]]).sum(-1).argmax(1)
        return (ids != originals[same, : ids.shape[1]]).float()

    found = scores.told_apart(knows, model.bert, data.scores)
    assert found["auc"] == 1 and -1 <= found["cosine"] <= 1
    blind = scores.told_apart(lambda ids, **_: torch.zeros(ids.shape), model.bert, data.scores)
    assert blind["auc"] == 0.5


@pytest.mark.parametrize("name", ["nsp", "rtd"])
def test_scores_of_an_arm(data, monkeypatch, name):
    few = {
        task: (pattern, longest, {size: (1e-3, 1, 8) for size in sizes})
        for task, (pattern, longest, sizes) in scores.TASKS.items()
    }
    monkeypatch.setattr(scores, "TASKS", few)
    monkeypatch.setattr(
        scores, "fit_probe", lambda features, labels: SimpleNamespace(score=lambda *_: 0.5)
    )
    arm = ARMS[name]
    model = new_model(arm, tiny_config(data), 0)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    found = scores.scores_of(
        model.bert,
        data.scores,
        0,
        heads=None if arm.replaced else model,
        generator=model.generator_logits if arm.replaced else None,
        nsp=not arm.replaced,
    )
    wanted = {
        "titles_200",
        "titles_1000",
        "titles_200_probe",
        "lcqmc_2000",
        "lcqmc_7000",
        "snli_7000",
    }
    filled = {"mlm_loss", "mlm_accuracy", "word_accuracy", "word_token_loss", "words"}
    assert set(found) > wanted | {("generator_" if arm.replaced else "") + each for each in filled}
    assert ("nsp_true" in found) == (name == "nsp")
    assert all(np.isfinite(value) for value in found.values())
    for key, value in model.state_dict().items():
        assert torch.equal(value, before[key]), f"scoring changed {key}"


def test_a_right_filler_gets_full_marks(data):
    """Whoever knows the text answers all; whoever is wrong in one token has that word wrong."""
    arrays, vocab = data.scores, len(data.tokenizer)

    def knowing(labels, spoil):
        def fill(ids, places, **_):
            answers = torch.from_numpy(
                labels[: len(ids), : ids.shape[1]].astype(np.int64)
            ).flatten()
            logits = torch.nn.functional.one_hot(answers[places], vocab).float() * 50
            if spoil:
                logits[0] = logits[0].roll(1)
            return logits

        return fill

    order = np.argsort(arrays["words.lengths"], kind="stable")
    labels = arrays["words.labels"][order]
    right = scores.filled_words(knowing(labels, False), arrays, torch.device("cpu"))
    spoilt = scores.filled_words(knowing(labels, True), arrays, torch.device("cpu"))
    assert right["word_accuracy"] == right["word_token_accuracy"] == 1
    words, tokens = right["words"], int((arrays["words.labels"] != IGNORE).sum())
    assert words > 1
    assert spoilt["word_accuracy"] == pytest.approx(1 - 1 / words)
    assert spoilt["word_token_accuracy"] == pytest.approx(1 - 1 / tokens)


def test_whole_words_only_are_hidden(data):
    arrays, mask = data.scores, data.tokenizer.mask_token_id
    hidden = arrays["words.labels"] != IGNORE
    assert (arrays["words.ids"][hidden] == mask).all()
    assert not (arrays["words.ids"][~hidden] == mask).any()
    numbers, sizes = np.unique(arrays["words.words"][hidden], return_counts=True)
    assert (sizes > 1).all() and (arrays["words.words"][~hidden] == -1).all()


def test_questions_of_three_kinds(data):
    arrays, sep = data.scores, data.tokenizer.sep_token_id
    kinds = arrays["nsp.kinds"]
    assert set(kinds) == {0, 1, 2}

    def halves(row):
        ids = arrays["nsp.ids"][row][: arrays["nsp.lengths"][row]].tolist()
        end = ids.index(sep)
        return ids[1:end], ids[end + 1 : -1]

    true = {tuple(map(tuple, halves(row))) for row in np.flatnonzero(kinds == 0)}
    turned = {tuple(map(tuple, halves(row)[::-1])) for row in np.flatnonzero(kinds == 2)}
    assert true == turned
    assert not true & {tuple(map(tuple, halves(row))) for row in np.flatnonzero(kinds == 1)}


def test_samples_are_balanced_and_differ_by_seed():
    labels = np.repeat([0, 1, 2], 50)
    one, other = (balanced(labels, np.arange(150), 30, seed) for seed in (0, 1))
    assert np.bincount(labels[one]).tolist() == [10, 10, 10] and one.tolist() != other.tolist()
    assert balanced(labels, np.arange(150), 500, 0).tolist() == list(range(150))


def test_the_rate_goes_up_then_down():
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=1.0)
    rates = []
    for step in range(10):
        warm_then_linear(optimizer, 2.0, step, 10, warmup=0.2)
        rates.append(optimizer.param_groups[0]["lr"])
    assert rates[:3] == [1.0, 2.0, 2.0]
    assert rates[-1] == pytest.approx(0.25)
    assert all(one >= other for one, other in zip(rates[1:], rates[2:], strict=False))


def test_help_and_errors(tmp_path, capsys):
    program = course_root() / "scripts/family.py"
    shown = subprocess.run(
        [sys.executable, program, "--help"], capture_output=True, encoding="utf8"
    )
    assert shown.returncode == 0 and "span" in shown.stdout
    with pytest.raises(SystemExit):
        parse_arguments(["train", "--work", str(tmp_path)])
    assert "run the stage prepare first" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        parse_arguments(["prepare", "--data", str(tmp_path)])
    assert "no such file" in capsys.readouterr().err


# ---------------------------------------------------------------- what is recorded


def recorded(name):
    path = course_root() / f"results/{name}.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf8").splitlines()]


def last_of(log):
    """The last row of a recorded log, by the names of its numbers."""
    return dict(zip(log["columns"], log["rows"][-1], strict=True))


def test_recorded_arms_are_complete():
    for name in ("family", "nsp_mini"):
        rows = {(row["arm"], row["seed"]): row for row in recorded(name)}
        arms = [arm for arm, each in ARMS.items() if name in each.results]
        assert {(arm, seed) for arm in arms for seed in RECORDED_SEEDS} <= set(rows)
        for (arm, _), row in rows.items():
            assert set(row) >= {"tokens", "steps", "command", "commit", "hardware", "versions"}
            assert set(row) >= {"titles_200", "titles_1000_probe", "lcqmc_7000", "snli_7000"}
            assert ("mlm_loss" in row) != (arm == "rtd")
            if arm != "untrained":
                assert 0 <= row["tokens"] - BUDGET < 40_000  # at most a batch more than was asked
                assert row["budget"] == BUDGET


def test_recorded_losses_belong_to_the_rows():
    logs = {(row["arm"], row["seed"]): row for row in recorded("family_losses")}
    for row in recorded("family") + recorded("nsp_mini"):
        if row["steps"]:
            log = logs[row["arm"], row["seed"]]
            last = last_of(log)
            assert last["step"] == row["steps"]
            name = "generator_mlm_loss" if row["arm"] == "rtd" else "mlm_loss"
            assert last["held_out_mlm_loss"] == pytest.approx(row[name], abs=2e-3)


def test_recorded_second_stages_are_on_equal_terms():
    rows = {(row["arm"], row["seed"]): row for row in recorded("second_stage")}
    assert set(rows) == {(arm, seed) for arm in SECOND_STAGES for seed in RECORDED_SEEDS}
    terms = ("tokens", "steps", "rows_a_step", "learning_rate", "budget", "commit")
    logs = {(row["arm"], row["seed"]): row for row in recorded("family_losses")}
    for seed in RECORDED_SEEDS:
        one, other = (rows[arm, seed] for arm in SECOND_STAGES)
        assert [one[key] for key in terms] == [other[key] for key in terms]
        for arm in SECOND_STAGES:
            assert last_of(logs[arm, seed])["step"] == rows[arm, seed]["steps"]
    assert rows["token_on", 0]["tokens"] != rows["token_on", 1]["tokens"]  # other rows


def test_recorded_two_stages_share_the_budget_of_the_arms():
    rows = {(row["arm"], row["seed"]): row for row in recorded("both_stages")}
    assert set(rows) == {(arm, seed) for arm in BOTH_STAGES for seed in RECORDED_SEEDS}
    logs = {(row["arm"], row["seed"]): row for row in recorded("family_losses")}
    for seed in RECORDED_SEEDS:
        first, after = (rows[arm, seed] for arm in BOTH_STAGES)
        assert first["budget"] == after["budget"] == BUDGET / 2
        assert 0 <= first["tokens"] + after["tokens"] - BUDGET < 40_000
        for arm in BOTH_STAGES:
            assert last_of(logs[arm, seed])["step"] == rows[arm, seed]["steps"]
        assert f"--seeds {seed} " in after["command"]  # begun as the body of its own seed
        measured = last_of(logs["blanks_first", seed])
        assert measured["held_out_mlm_loss"] == pytest.approx(after["generator_mlm_loss"], abs=2e-3)


def test_recorded_blanks_begin_with_nothing_and_end_with_words():
    path = course_root() / "results/blanks_while_training.json"
    content = json.loads(path.read_text(encoding="utf8"))
    assert [(blank["text"], blank["expected"]) for blank in content["blanks"]] == list(SENTENCES)
    steps = content["about"]["steps_done"]
    right = dict.fromkeys(("0", "500", str(steps)), 0)
    for blank in content["blanks"]:
        for step in right:
            first = [place[0][0] for place in blank["answers"][step]]
            right[step] += "".join(first) == blank["expected"]
        for places in blank["answers"].values():
            assert all(len(place) == SHOWN for place in places)
    assert right["0"] == right["500"] == 0 and right[str(steps)] >= 10
    losses = [loss for _, loss, _ in content["training_loss"]]
    assert losses[0] > 8 and min(losses[-50:]) < 3.2
    assert content["held_out"][-1][0] == steps


def test_answers_to_blanks(data):
    model = new_model(ARMS["nsp"], tiny_config(data), 0)
    found = answers(model, data.tokenizer)
    assert [len(each) for each in found] == [text.count("[MASK]") for text, _ in SENTENCES]
    for places in found:
        for place in places:
            chances = [chance for _, chance in place]
            assert chances == sorted(chances, reverse=True) and len(place) == SHOWN
