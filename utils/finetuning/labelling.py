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
from torch.nn.utils.rnn import pad_sequence
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    BertConfig,
    BertLMHeadModel,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    T5Config,
    T5ForConditionalGeneration,
    set_seed,
)
from transformers.modeling_outputs import SequenceClassifierOutput

from utils.finetuning.answers import NEWS_PREFIX, only_these
from utils.finetuning.classifier import (
    as_texts,
    longest_first,
    low_precision,
    new_classifier,
    predict,
)
from utils.models import from_pretrained
from utils.pretraining import IGNORE
from utils.profile import SEED

PROMPT = "类别："  # what GPT's text is followed by, before the class name


def is_t5(checkpoint: str) -> bool:
    """Does a checkpoint (folder or Hub id) hold a T5?"""
    return from_pretrained(AutoConfig, checkpoint).model_type == "t5"


def language_model(checkpoint: str) -> PreTrainedModel:
    """BERT, GPT or T5 with its language modelling head, in float32, ready to be asked.

    Raises:
        ModelError: no such folder, a damaged one, or not to be fetched from the Hub.
    """
    if is_t5(checkpoint):
        kind = T5ForConditionalGeneration
    elif from_pretrained(AutoConfig, checkpoint).is_decoder:
        kind = AutoModelForCausalLM
    else:
        kind = AutoModelForMaskedLM
    return from_pretrained(kind, checkpoint, dtype=torch.float32).eval()


def as_asked(checkpoint: str, texts: Sequence[str] | str) -> list[str]:
    """News as the model is given them: those for T5 begin with what is wanted."""
    prefix = NEWS_PREFIX if is_t5(checkpoint) else ""
    return [prefix + text for text in as_texts(texts)]


def new_model(
    checkpoint: str,
    class_names: Sequence[str],
    tokenizer: PreTrainedTokenizerBase,
    seed: int = SEED,
) -> PreTrainedModel:
    """Ready for `fine_tune`: BERT with a new head; GPT and T5 as they are, to write the names."""
    if is_t5(checkpoint) or from_pretrained(AutoConfig, checkpoint).is_decoder:
        return new_labeller(checkpoint, class_names, tokenizer, seed)
    return new_classifier(checkpoint, class_names, seed=seed)


def classes_of(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    texts: Sequence[str] | str,
    max_length: int = 128,
) -> np.ndarray:
    """Class ids (texts,): BERT's best class, GPT's likeliest name, the name that T5 writes."""
    if model.config.model_type == "t5":
        return write_labels(model, tokenizer, texts, max_length)
    return predict(model, tokenizer, texts, max_length).argmax(1)


def new_labeller(
    checkpoint: str,
    class_names: Sequence[str],
    tokenizer: PreTrainedTokenizerBase,
    seed: int = SEED,
) -> "Labeller":
    """A GPT or T5 of the course, in float32, that answers with one of `class_names`.

    Raises:
        ValueError: two class names of the same tokens.
    """
    set_seed(seed)
    model = language_model(checkpoint)
    config = model.config
    config.id2label = dict(enumerate(class_names))
    config.label2id = {name: i for i, name in enumerate(class_names)}
    config.name_tokens = _tokens_of_names(tokenizer, class_names)
    config.prompt_tokens = tokenizer(PROMPT, add_special_tokens=False)["input_ids"]
    return (T5Labeller if config.model_type == "t5" else GptLabeller)(config, model).eval()


def _tokens_of_names(
    tokenizer: PreTrainedTokenizerBase, class_names: Sequence[str]
) -> list[list[int]]:
    """Each class name as token ids with the end sign."""
    end = tokenizer.eos_token_id if tokenizer.eos_token_id is not None else tokenizer.sep_token_id
    names = [[*tokenizer(name, add_special_tokens=False)["input_ids"], end] for name in class_names]
    for i, name in enumerate(names):
        if (first := names.index(name)) < i:
            raise ValueError(
                f"classes {class_names[first]!r} and {class_names[i]!r} are the same tokens to this "
                "model; rename one of them"
            )
    return names


class Labeller(PreTrainedModel):
    """A language model that is asked for class names: holds the model `lm`, adds no weights.

    The names and the prompt stand in the configuration as token ids (`name_tokens` with the end
    sign, `prompt_tokens`), so that a saved labeller comes back whole.
    """

    _supports_sdpa = True  # whatever the model that it holds does
    accepts_loss_kwargs = False  # Trainer shall average the loss over batches itself

    def __init__(self, config, lm: PreTrainedModel | None = None):
        """Args:
        lm: a language model with the weights; without it one with new ones, to load into.
        """
        super().__init__(config)
        self.lm = self.lm_class(config) if lm is None else lm
        self.post_init()

    def _init_weights(self, module) -> None:
        """The language model knows how its own weights begin."""

    def names(self) -> Tensor:
        """Token ids (names, tokens), those of shorter names filled up with `IGNORE`."""
        rows = [torch.tensor(name) for name in self.config.name_tokens]
        padded = pad_sequence(rows, batch_first=True, padding_value=IGNORE)
        return padded.to(self.device)

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        labels: Tensor | None = None,
        token_type_ids: Tensor | None = None,
    ) -> SequenceClassifierOutput:
        """Ask for the names, given the texts.

        Args:
            input_ids, attention_mask: (texts, tokens), as the tokenizer makes them, padded on the
                right.
            labels: class ids (texts,).
            token_type_ids: not used.
        Returns:
            `logits` (texts, classes): the log probabilities of all names, sums over their tokens.
            With `labels` in training only the right name is asked for: no logits, and the `loss`
            is a mean over the tokens; otherwise it is a mean over the texts.
        """
        names = self.names()
        if labels is not None and self.training:
            right = names[labels].unsqueeze(1)
            total = self.score(input_ids, attention_mask, right).sum()
            return SequenceClassifierOutput(loss=-total / (right != IGNORE).sum())
        names = names.expand(len(input_ids), -1, -1)
        logits = self.score(input_ids, attention_mask, names).sum(-1)
        loss = None if labels is None else -logits[torch.arange(len(labels)), labels].mean()
        return SequenceClassifierOutput(loss=loss, logits=logits)

    def score(self, input_ids: Tensor, attention_mask: Tensor, names: Tensor) -> Tensor:
        """Log probabilities (texts, names, tokens) of names (texts, names, tokens)."""
        raise NotImplementedError


def log_probabilities(logits: Tensor, answers: Tensor) -> Tensor:
    """Log probability of each answer token, 0 where it is `IGNORE`; logits (..., vocabulary)."""
    chosen = log_softmax(logits.float(), -1).gather(-1, answers.clamp(min=0).unsqueeze(-1))
    return chosen.squeeze(-1) * (answers != IGNORE)


class GptLabeller(Labeller):
    """GPT: the text, the prompt, then all names side by side in one pass.

    The result is that of one row a name at the cost of one.
    """

    config_class, lm_class = BertConfig, BertLMHeadModel

    def score(self, input_ids: Tensor, attention_mask: Tensor, names: Tensor) -> Tensor:
        """As `Labeller.score`, all names of a text side by side in one row."""
        rows, count, size = names.shape
        prompt = torch.tensor(self.config.prompt_tokens, device=self.device).expand(rows, -1)
        # The prompt takes the place of [SEP], which would end the text.
        places = attention_mask.sum(1, keepdim=True) - 1 + _range(prompt.shape[1], prompt)
        ids = torch.nn.functional.pad(input_ids, (0, prompt.shape[1])).scatter(1, places, prompt)
        lengths = places[:, -1] + 1  # (texts,): tokens up to the prompt's end
        self._check_room(lengths.max().item(), size - 1)
        hidden = self.lm.bert(**packed_row(ids, lengths, names), use_cache=False).last_hidden_state
        first = hidden[torch.arange(rows), lengths - 1]
        others = hidden[:, ids.shape[1] :].unflatten(1, (count, size - 1))
        each = torch.cat([first[:, None, None].expand(-1, count, 1, -1), others], dim=2)
        asked = names != IGNORE
        result = each.new_zeros(names.shape, dtype=torch.float32)
        result[asked] = log_probabilities(self.lm.cls(each[asked]), names[asked])
        return result

    def _check_room(self, text: int, name: int) -> None:
        positions = self.config.max_position_embeddings
        if text + name > positions:
            raise ValueError(
                f"a text of {text} tokens with its prompt, and a name of {name}, but the model has "
                f"{positions} positions; give max_length={positions - len(self.config.prompt_tokens) - name + 1}"
            )


def packed_row(ids: Tensor, lengths: Tensor, names: Tensor) -> dict[str, Tensor]:
    """Names behind their text in one row, each with the positions it would have alone.

    A name sees the text, the prompt and its own tokens so far. Text "t" of two tokens, prompt "p",
    padding, two names "a" and "b" of two tokens each; rows look at columns:

                 t t p . a a b b
        p  at 2  x x x
        a  at 3  x x x   x
        a  at 4  x x x   x x
        b  at 3  x x x       x
        b  at 4  x x x       x x

    Args:
        ids: texts with their prompts (texts, width), padded on the right.
        lengths: of each text with its prompt (texts,).
        names: token ids (texts, names, tokens); the last token is only predicted, so left out.
    Returns:
        `input_ids` and `position_ids` (texts, all), `attention_mask` (texts, 1, all, all), True
        where a token may look.
    """
    rows, width = ids.shape
    written = names[:, :, :-1].clamp(min=0)  # IGNORE is no token, and nobody asks what follows it
    count, size = written.shape[1:]
    place = _range(width + count * size, ids)
    in_text = _range(width, ids).expand(rows, -1)
    in_name = (lengths.unsqueeze(1) + _range(size, ids)).repeat(1, count)
    # Padding may lie beyond the last position; nobody looks at it.
    last = (lengths.max() + size - 1).clamp(min=0)
    # The number of the name that a place belongs to, -1 for the text.
    owner = torch.where(place < width, -1, (place - width) // max(size, 1))
    past = place.unsqueeze(1) >= place
    own = past & (owner.unsqueeze(1) == owner)
    text = past & (owner == -1) & (place < lengths.unsqueeze(1)).unsqueeze(1)
    return {
        "input_ids": torch.cat([ids, written.flatten(1)], dim=1),
        "position_ids": torch.cat([in_text, in_name], dim=1).clamp(max=last),
        "attention_mask": (own | text).unsqueeze(1),
    }


def _range(size: int, like: Tensor) -> Tensor:
    return torch.arange(size, device=like.device)


class T5Labeller(Labeller):
    """T5: the encoder reads the text once, the decoder scores every name."""

    config_class, lm_class = T5Config, T5ForConditionalGeneration

    def score(self, input_ids: Tensor, attention_mask: Tensor, names: Tensor) -> Tensor:
        """As `Labeller.score`, the text read once and each name written behind it."""
        rows, count, _ = names.shape
        read = self.lm.encoder(input_ids, attention_mask=attention_mask).last_hidden_state
        answers = names.flatten(0, 1)
        logits = self.lm(
            encoder_outputs=(read.repeat_interleave(count, 0),),
            attention_mask=attention_mask.repeat_interleave(count, 0),
            decoder_input_ids=self.lm.prepare_decoder_input_ids_from_labels(answers),
            use_cache=False,
        ).logits
        return log_probabilities(logits, answers).unflatten(0, (rows, count))


@torch.inference_mode()
def write_labels(
    model: T5Labeller,
    tokenizer: PreTrainedTokenizerBase,
    texts: Sequence[str] | str,
    max_length: int = 128,
) -> np.ndarray:
    """Class ids (texts,) of the names that T5 writes, greedily, one of them in any case."""
    model.eval()
    names = [model.config.id2label[i] for i in range(model.config.num_labels)]
    longest = max(map(len, model.config.name_tokens))
    allowed = only_these(names, tokenizer, model.config.decoder_start_token_id)
    texts = as_texts(texts)
    found = np.empty(len(texts), dtype=int)
    # In the same precision as `predict`, so that the costs of all models compare.
    with low_precision(model):
        for places in longest_first(texts):
            batch = tokenizer(
                [texts[place] for place in places],
                truncation=True, max_length=max_length, padding=True, return_tensors="pt",
            ).to(model.device)  # fmt: skip
            written = model.lm.generate(
                **batch, prefix_allowed_tokens_fn=allowed, max_new_tokens=longest,
                do_sample=False, num_beams=1,
            )  # fmt: skip
            answers = tokenizer.batch_decode(written, skip_special_tokens=True)
            found[places] = [names.index(answer.strip()) for answer in answers]
    return found
