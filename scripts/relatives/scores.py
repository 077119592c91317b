"""What a pretrained arm of family.py is good for: titles, sentence pairs, blanks, next sentences.

`scores_of` needs nothing but the arrays of `exams.prepare_scores`: no texts and no tokenizer,
wherever the arm was trained.
"""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import torch
from sklearn.metrics import accuracy_score, f1_score, roc_auc_score
from torch.nn.functional import cross_entropy, normalize
from transformers import BertForSequenceClassification

from relatives.exams import KINDS, TASKS
from relatives.steps import autocast, decayed, warm_then_linear
from utils.measuring import fit_probe
from utils.pretraining import IGNORE, IS_NEXT

SCORED_AT_ONCE = 256  # texts


class Texts:
    """Arrays of one task on the device, and batches of them without needless padding."""

    def __init__(self, arrays: dict, name: str, device: torch.device):
        self.ids = torch.from_numpy(arrays[f"{name}.ids"].astype(np.int64)).to(device)
        self.types = torch.from_numpy(arrays[f"{name}.types"].astype(np.int64)).to(device)
        self.lengths = arrays[f"{name}.lengths"]
        self.device = device

    def batch(self, places: np.ndarray) -> dict[str, torch.Tensor]:
        """The padded texts at these places: ids, types and mask, (texts, length)."""
        lengths = self.lengths[places]
        longest = min(-(-int(lengths.max()) // 16) * 16, self.ids.shape[1])
        rows = torch.from_numpy(places).to(self.device)
        lengths = torch.from_numpy(lengths).to(self.device).unsqueeze(1)
        real = torch.arange(longest, device=self.device) < lengths
        return {
            "input_ids": self.ids[rows, :longest],
            "token_type_ids": self.types[rows, :longest],
            "attention_mask": real[:, None, None],  # four-dimensional: taken as it is
        }

    def in_order(self, places: np.ndarray) -> Iterator[np.ndarray]:
        """Batches of `SCORED_AT_ONCE` texts of similar length."""
        order = places[np.argsort(self.lengths[places], kind="stable")]
        return iter(np.split(order, range(SCORED_AT_ONCE, len(order), SCORED_AT_ONCE)))

    def shuffled(self, places: np.ndarray, size: int, rng: np.random.Generator) -> list[np.ndarray]:
        """Batches of similar length in random order, other ones at each call."""
        order = rng.permutation(places)
        batches = []
        for some in np.split(order, range(50 * size, len(order), 50 * size)):
            some = some[np.argsort(-self.lengths[some], kind="stable")]
            batches += np.split(some, range(size, len(some), size))
        return [batches[number] for number in rng.permutation(len(batches))]


def scores_of(
    trunk: torch.nn.Module,
    arrays: dict,
    seed: int,
    heads: torch.nn.Module | None = None,
    generator: Callable | None = None,
    nsp: bool = False,
    check: Callable[[], None] = lambda: None,
) -> dict[str, float]:
    """All scores of one arm.

    Args:
        trunk: a `BertModel`. Not changed.
        arrays: what `prepare_scores` gave.
        heads: the `BertForPreTraining` whose trunk it is, if it has learnt to fill blanks.
        generator: fills blanks in its place, for replaced token detection: (ids, places, …) to
            logits.
        nsp: were its next sentences trained?
        check: called between the parts; may raise to end early.
    """
    device = trunk.device
    row = {}
    trunk.eval()
    if heads is not None or generator is not None:
        fill = generator or partial(fill_with, heads)
        name = "generator_" if generator else ""
        row |= {name + key: value for key, value in filled_tokens(fill, arrays, device).items()}
        row |= {name + key: value for key, value in filled_words(fill, arrays, device).items()}
    if nsp:
        row |= answered_next(heads, arrays, device)
    check()
    row |= title_probes(trunk, arrays, seed)
    for task, (_, _, sizes) in TASKS.items():
        texts = Texts(arrays, task, device)
        labels = arrays[f"{task}.labels"]
        test = arrays[f"{task}.test"]
        for size, settings in sizes.items():
            check()
            train, validation = arrays[f"{task}.{size}.{seed}"], arrays[f"{task}.{size}.validation"]
            model = fine_tuned(trunk, texts, labels, train, validation, seed, *settings)
            guesses = guess(model, texts, test)
            row[f"{task}_{size}"] = accuracy_score(labels[test], guesses)
    return row


def fill_with(
    heads: torch.nn.Module, ids: torch.Tensor, places: torch.Tensor, **options
) -> torch.Tensor:
    """(hidden, vocabulary) logits of a `BertForPreTraining` at the hidden places."""
    states = heads.bert(ids, **options).last_hidden_state
    return heads.cls.predictions(states.flatten(0, 1).index_select(0, places))


def guesses_at_blanks(
    fill: Callable, arrays: dict, name: str, device: torch.device
) -> dict[str, np.ndarray]:
    """For each hidden token of a held-out set: `loss` in nats, `right`, and its word if known."""
    texts = Texts(arrays, name, device)
    losses, right, words = [], [], []
    for places in texts.in_order(np.arange(len(texts.ids))):
        batch = texts.batch(places)
        length = batch["input_ids"].shape[1]
        labels = torch.from_numpy(arrays[f"{name}.labels"][places, :length].astype(np.int64))
        hidden = (labels.flatten() != IGNORE).nonzero().flatten()
        answers = labels.flatten()[hidden].to(device)
        with torch.inference_mode(), autocast(device):
            logits = fill(batch.pop("input_ids"), hidden.to(device), **batch).float()
        losses.append(cross_entropy(logits, answers, reduction="none").cpu())
        right.append((logits.argmax(-1) == answers).cpu())
        if f"{name}.words" in arrays:
            words.append(arrays[f"{name}.words"][places, :length].flatten()[hidden.numpy()])
    guesses = {"loss": torch.cat(losses).numpy(), "right": torch.cat(right).numpy()}
    return guesses | ({"words": np.concatenate(words)} if words else {})


def filled_tokens(fill: Callable, arrays: dict, device: torch.device) -> dict[str, float]:
    """Loss (nats) and accuracy at the tokens hidden one by one."""
    guesses = guesses_at_blanks(fill, arrays, "tokens", device)
    return {"mlm_loss": guesses["loss"].mean(), "mlm_accuracy": guesses["right"].mean()}


def filled_words(fill: Callable, arrays: dict, device: torch.device) -> dict[str, float]:
    """Share of the hidden words of which every token is right, and of the tokens in them."""
    guesses = guesses_at_blanks(fill, arrays, "words", device)
    _, numbers = np.unique(guesses["words"], return_inverse=True)
    sizes = np.bincount(numbers)
    whole = np.bincount(numbers, guesses["right"]) == sizes
    row = {
        "word_accuracy": whole.mean(),
        "word_token_accuracy": guesses["right"].mean(),
        "word_token_loss": guesses["loss"].mean(),
        "words": len(sizes),
    }
    for name, some in {"2": sizes == 2, "3_or_more": sizes >= 3}.items():
        row[f"word_accuracy_{name}"] = whole[some].mean() if some.any() else 0.0
    return row


def answered_next(heads: torch.nn.Module, arrays: dict, device: torch.device) -> dict[str, float]:
    """Share of NSP questions answered right: true pairs with yes, the others with no."""
    texts, kinds = Texts(arrays, "nsp", device), arrays["nsp.kinds"]
    said_next = np.zeros(len(kinds), dtype=bool)
    for places in texts.in_order(np.arange(len(kinds))):
        with torch.inference_mode(), autocast(device):
            pooled = heads.bert(**texts.batch(places)).pooler_output
            answers = heads.cls.seq_relationship(pooled).argmax(-1)
        said_next[places] = (answers == IS_NEXT).cpu().numpy()
    right = {
        name: (said_next == (name == "true"))[kinds == kind].mean()
        for kind, name in enumerate(KINDS)
    }
    return {f"nsp_{name}": value for name, value in right.items()} | {
        "nsp_accuracy": (right["true"] + right["other"]) / 2
    }


def told_apart(judge: Callable, trunk: torch.nn.Module, arrays: dict) -> dict[str, float]:
    """How well a discriminator finds replaced tokens that are the same for all discriminators.

    Held-out rows; the tokens asked in `tokens` give way to others, drawn as often as they are in
    these rows, whatever stands beside them. Generators differ, and a better one makes a harder
    exam; this one is equal for all.

    Args:
        judge: (ids, …) to (rows, length) scores, higher where a token looks put in.
        trunk: the discriminator's `BertModel`.
    Returns:
        `auc`, the chance that a replaced token scores above an original one (0.5: guessing), and
        `cosine`, the mean cosine of two tokens in the last layer (1: collapsed).
    """
    texts, labels = Texts(arrays, "tokens", trunk.device), arrays["tokens.labels"].astype(np.int64)
    asked = torch.from_numpy(labels != IGNORE).to(trunk.device)
    answers = torch.from_numpy(labels).to(trunk.device)
    originals = torch.where(asked, answers, texts.ids)
    order = np.random.default_rng(0).permutation(int(asked.sum()))
    texts.ids = originals.clone()
    texts.ids[asked] = originals[asked][torch.from_numpy(order).to(trunk.device)]
    replaced = texts.ids != originals
    scores, answers, total, count = [], [], 0.0, 0
    for places in texts.in_order(np.arange(len(texts.ids))):
        batch = texts.batch(places)
        ids = batch.pop("input_ids")
        real = batch["attention_mask"][:, 0, 0]
        with torch.inference_mode(), autocast(trunk.device):
            states = trunk(ids, **batch).last_hidden_state.float()
            judged = judge(ids, **batch).float()
        total = total + normalize(states[real], dim=-1).sum(0)
        count += int(real.sum())
        scores.append(judged[real].cpu())
        answers.append(replaced[torch.from_numpy(places).to(trunk.device), : ids.shape[1]][real])
    alike = (float(total @ total) - count) / (count * (count - 1))  # without each with itself
    truth = torch.cat([each.cpu() for each in answers]).numpy()
    return {"auc": roc_auc_score(truth, torch.cat(scores).numpy()), "cosine": alike}


def mean_features(trunk: torch.nn.Module, texts: Texts) -> np.ndarray:
    """(texts, hidden): the mean of the last hidden states over the real tokens."""
    features = np.zeros((len(texts.ids), trunk.config.hidden_size), dtype=np.float32)
    for places in texts.in_order(np.arange(len(texts.ids))):
        batch = texts.batch(places)
        with torch.inference_mode(), autocast(texts.device):
            states = trunk(**batch).last_hidden_state.float()
        real = batch["attention_mask"][:, 0, 0, :, None]
        features[places] = ((states * real).sum(1) / real.sum(1)).cpu().numpy()
    return features


def title_probes(trunk: torch.nn.Module, arrays: dict, seed: int) -> dict[str, float]:
    """Test accuracy of logistic regression on frozen features of the titles, by training rows."""
    texts, row = Texts(arrays, "titles", trunk.device), {}
    labels, test = arrays["titles.labels"], arrays["titles.test"]
    features = mean_features(trunk, texts)
    for size in TASKS["titles"][2]:
        train = arrays[f"titles.{size}.{seed}"]
        probe = fit_probe(features[train], labels[train])
        row[f"titles_{size}_probe"] = probe.score(features[test], labels[test])
    return row


def fine_tuned(
    trunk: torch.nn.Module,
    texts: Texts,
    labels: np.ndarray,
    train: np.ndarray,
    validation: np.ndarray,
    seed: int,
    rate: float,
    epochs: int,
    batch_size: int,
) -> BertForSequenceClassification:
    """A classifier on a copy of the trunk, its weights those of the best epoch by macro F1.

    The recipe of `utils.finetuning.fine_tune` (AdamW, warm-up over a tenth of the steps, linear
    decay, dropout 0.1, bf16, batches of similar length), without the checkpoints on disk.
    """
    torch.manual_seed(seed)
    config = type(trunk.config).from_dict(trunk.config.to_dict())
    config.num_labels = int(labels.max()) + 1
    config.hidden_dropout_prob = config.attention_probs_dropout_prob = 0.1
    config._attn_implementation = trunk.config._attn_implementation
    model = BertForSequenceClassification(config)
    model.bert.load_state_dict(trunk.state_dict())
    model.to(texts.device).train()
    rng, best, kept = np.random.default_rng(seed), -1.0, None
    steps, step = epochs * -(-len(train) // batch_size), 0
    optimizer = torch.optim.AdamW(decayed(model), lr=rate, fused=True)
    answers = torch.from_numpy(labels).to(texts.device)
    for _ in range(epochs):
        for places in texts.shuffled(train, batch_size, rng):
            warm_then_linear(optimizer, rate, step, steps, warmup=0.1)
            with autocast(texts.device):
                logits = model(**texts.batch(places)).logits
            loss = cross_entropy(logits.float(), answers[torch.from_numpy(places).to(texts.device)])
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
            step += 1
        reached = f1_score(
            labels[validation], guess(model, texts, validation), average="macro", zero_division=0
        )
        if reached > best:
            best = reached
            kept = {name: value.clone() for name, value in model.state_dict().items()}
    model.load_state_dict(kept)
    return model


def guess(model: torch.nn.Module, texts: Texts, places: np.ndarray) -> np.ndarray:
    """The likeliest class of each text, in the order of `places`."""
    classes = np.zeros(len(texts.ids), dtype=np.int64)
    model.eval()
    for some in texts.in_order(places):
        with torch.inference_mode(), autocast(texts.device):
            classes[some] = model(**texts.batch(some)).logits.argmax(-1).cpu().numpy()
    model.train()
    return classes[places]
