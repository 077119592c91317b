"""Language models as classifiers: the class whose name is the likeliest next text.

GPT reads "news 类别：" and T5's encoder "分类：news"; both are then asked how likely each class name
is to follow, and are trained to write the right one. No new head is added. What they give has the
form of a classifier's output, so `fine_tune` and `predict` treat all alike.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import log_softmax
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    BertLMHeadModel,
    T5ForConditionalGeneration,
    set_seed,
)
from transformers.modeling_outputs import SequenceClassifierOutput

from utils.finetuning.answers import NEWS_PREFIX, only_these
from utils.finetuning.classifier import by_length, new_classifier, predict
from utils.pretraining import IGNORE
from utils.profile import SEED, bf16_available

PROMPT = "类别："  # what GPT's text is followed by, before the class name


def is_t5(checkpoint: str) -> bool:
    return AutoConfig.from_pretrained(checkpoint).model_type == "t5"


def language_model(checkpoint: str):
    """BERT, GPT or T5 with its language modelling head, in float32, ready to be asked."""
    if is_t5(checkpoint):
        kind = T5ForConditionalGeneration
    elif AutoConfig.from_pretrained(checkpoint).is_decoder:
        kind = AutoModelForCausalLM
    else:
        kind = AutoModelForMaskedLM
    return kind.from_pretrained(checkpoint, dtype=torch.float32).eval()


def as_asked(checkpoint: str, texts: Sequence[str]) -> list[str]:
    """News as the model is given them: those for T5 begin with what is wanted."""
    return [NEWS_PREFIX + text for text in texts] if is_t5(checkpoint) else list(texts)


def new_model(checkpoint: str, class_names: Sequence[str], tokenizer, seed: int = SEED):
    """Ready for `fine_tune`: BERT with a new head; GPT and T5 as they are, to write the names."""
    if is_t5(checkpoint) or AutoConfig.from_pretrained(checkpoint).is_decoder:
        return new_labeller(checkpoint, class_names, tokenizer, seed)
    return new_classifier(checkpoint, class_names, seed=seed)


def classes_of(model, tokenizer, texts: Sequence[str], max_length: int = 128) -> np.ndarray:
    """Class ids (texts,): BERT's best class, GPT's likeliest name, the name that T5 writes."""
    if model.config.model_type == "t5":
        return write_labels(model, tokenizer, texts, max_length)
    return predict(model, tokenizer, texts, max_length).argmax(1)


def new_labeller(checkpoint: str, class_names: Sequence[str], tokenizer, seed: int = SEED):
    """A GPT or T5 of the course, in float32, that answers with one of `class_names`."""
    set_seed(seed)
    kind = AutoConfig.from_pretrained(checkpoint).model_type
    settings = {
        "id2label": dict(enumerate(class_names)),
        "label2id": {name: i for i, name in enumerate(class_names)},
    }
    labeller = T5Labeller if kind == "t5" else GptLabeller
    model = labeller.from_pretrained(checkpoint, dtype=torch.float32, **settings)
    model.learn_names(tokenizer, class_names)
    return model


class Labeller:
    """What both have in common: the names' token ids and what becomes of their probabilities."""

    accepts_loss_kwargs = False  # Trainer shall average the loss over batches itself

    def learn_names(self, tokenizer, class_names: Sequence[str]) -> None:
        """Each class name as token ids with the end sign; `IGNORE` fills up the shorter ones."""
        names = [tokenizer(name, add_special_tokens=False)["input_ids"] for name in class_names]
        end = tokenizer.eos_token_id or tokenizer.sep_token_id
        longest = max(map(len, names)) + 1
        rows = [[*name, end] + [IGNORE] * (longest - len(name) - 1) for name in names]
        self.names = torch.tensor(rows)
        self.prompt = tokenizer(PROMPT, add_special_tokens=False, return_tensors="pt").input_ids

    def answer(self, score, labels: Tensor | None) -> SequenceClassifierOutput:
        """`score(names)`: log probabilities (texts, names, tokens) of names (texts or 1, names,
        tokens). Training asks for the right name only; otherwise the `logits` are the log
        probabilities of all names, sums over their tokens."""
        names = self.names.to(self.device)
        if labels is not None and self.training:
            right = names[labels].unsqueeze(1)
            return SequenceClassifierOutput(loss=-score(right).sum() / (right != IGNORE).sum())
        logits = score(names.unsqueeze(0)).sum(-1)
        loss = None if labels is None else -logits[torch.arange(len(labels)), labels].mean()
        return SequenceClassifierOutput(loss=loss, logits=logits)


def log_probabilities(logits: Tensor, answers: Tensor) -> Tensor:
    """Log probability of each answer token, 0 where it is `IGNORE`; logits (..., vocabulary)."""
    chosen = log_softmax(logits.float(), -1).gather(-1, answers.clamp(min=0).unsqueeze(-1))
    return chosen.squeeze(-1) * (answers != IGNORE)


class GptLabeller(Labeller, BertLMHeadModel):
    """GPT: the text, the prompt, then all names side by side in one pass.

    The names follow each other in the row, but each takes the same positions and sees only the
    text, the prompt and itself, so that the result is that of one row a name at the cost of one.
    """

    def forward(self, input_ids, attention_mask, labels=None, token_type_ids=None):
        """Rows as the tokenizer makes them, [CLS] text [SEP] and padding on the right."""
        rows, width = input_ids.shape
        prompt = self.prompt.to(input_ids.device).expand(rows, -1)
        # The prompt takes the place of [SEP], which would end the text.
        places = attention_mask.sum(1, keepdim=True) - 1 + self._range(prompt.shape[1])
        ids = torch.nn.functional.pad(input_ids, (0, prompt.shape[1])).scatter(1, places, prompt)
        length = places[:, -1:] + 1  # (texts, 1): tokens up to the prompt's end

        def score(names: Tensor) -> Tensor:
            names = names.expand(rows, -1, -1)
            count, size = names.shape[1], names.shape[2] - 1  # the last token is only predicted
            written = names[:, :, :-1].clamp(min=0).flatten(1)
            positions = torch.cat(
                [
                    self._range(ids.shape[1]).expand(rows, -1),
                    (length + self._range(size)).repeat(1, count),
                ],
                dim=1,
            )
            hidden = self.bert(
                torch.cat([ids, written], dim=1),
                attention_mask=self._mask(ids.shape[1], length, count, size),
                position_ids=positions.clamp(max=self.config.max_position_embeddings - 1),
                use_cache=False,
            ).last_hidden_state
            first = hidden[torch.arange(rows), length[:, 0] - 1]
            others = hidden[:, ids.shape[1] :].unflatten(1, (count, size))
            each = torch.cat([first[:, None, None].expand(-1, count, 1, -1), others], dim=2)
            asked = names != IGNORE
            result = each.new_zeros(names.shape, dtype=torch.float32)
            result[asked] = log_probabilities(self.cls(each[asked]), names[asked])
            return result

        return self.answer(score, labels)

    def _range(self, size: int) -> Tensor:
        return torch.arange(size, device=self.device).unsqueeze(0)

    def _mask(self, width: int, length: Tensor, count: int, size: int) -> Tensor:
        """(texts, 1, all, all): True where a token (row) may look."""
        total = width + count * size
        place = self._range(total)[0]
        name = torch.where(place < width, -1, (place - width) // max(size, 1))
        past = place[:, None] >= place
        own = (name[:, None] == name) & past
        text = (place < length).unsqueeze(1)  # (texts, 1, all): not padding
        return (own | (past & (name == -1) & text)).unsqueeze(1)


class T5Labeller(Labeller, T5ForConditionalGeneration):
    """T5: the encoder reads the text once, the decoder scores every name."""

    def forward(self, input_ids=None, attention_mask=None, labels=None, **options):
        if input_ids is None or "decoder_input_ids" in options:  # asked by generate()
            return super().forward(input_ids, attention_mask, labels=labels, **options)
        read = self.encoder(input_ids, attention_mask=attention_mask).last_hidden_state

        def score(names: Tensor) -> Tensor:
            count = names.shape[1]
            answers = names.expand(len(read), -1, -1).flatten(0, 1)
            logits = (
                super(T5Labeller, self)
                .forward(
                    encoder_outputs=(read.repeat_interleave(count, 0),),
                    attention_mask=attention_mask.repeat_interleave(count, 0),
                    decoder_input_ids=self.prepare_decoder_input_ids_from_labels(answers),
                    use_cache=False,
                )
                .logits
            )
            return log_probabilities(logits, answers).unflatten(0, (len(read), count))

        return self.answer(score, labels)


@torch.inference_mode()
def write_labels(model: T5Labeller, tokenizer, texts: Sequence[str], max_length: int = 128):
    """Class ids (texts,) of the names that T5 writes, greedily, one of them in any case."""
    model.eval()
    names = [model.config.id2label[i] for i in range(model.config.num_labels)]
    allowed = only_these(names, tokenizer, model.config.decoder_start_token_id)
    texts, found = list(texts), np.empty(len(texts), dtype=int)
    for places in by_length(texts):
        batch = tokenizer(
            [texts[place] for place in places],
            truncation=True, max_length=max_length, padding=True, return_tensors="pt",
        ).to(model.device)  # fmt: skip
        # In the same precision as `predict`, so that the costs of all models compare.
        with torch.autocast(model.device.type, torch.bfloat16, enabled=bf16_available()):
            written = model.generate(
                **batch, prefix_allowed_tokens_fn=allowed, max_new_tokens=model.names.shape[1],
                do_sample=False, num_beams=1,
            )  # fmt: skip
        answers = tokenizer.batch_decode(written, skip_special_tokens=True)
        found[places] = [names.index(answer.strip()) for answer in answers]
    return found
