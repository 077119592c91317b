"""Four language models small enough to train in seconds: GPT, BERT, ELMo and T5 in miniature.

Chapter 1 trains them on a handful of sentences to show what each position sees and what each
model is asked. They keep what tells the four apart and leave out the rest: all use learned
positions and PyTorch's post-LN layers, where the real T5 has relative positions and pre-LN.
Sources: Peters et al. 2018 (1802.05365), Radford et al. 2018, Devlin et al. 2019 (1810.04805),
Raffel et al. 2020 (1910.10683).
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

WIDTH = 64  # of every vector
LONGEST = 16  # tokens, because that many positions are learned
LAYER = {"d_model": WIDTH, "nhead": 4, "dim_feedforward": 2 * WIDTH, "dropout": 0.0}


def causal_mask(length: int) -> Tensor:
    """(length, length): 0 where a row may look, minus infinity at what comes after it."""
    return torch.full((length, length), float("-inf")).triu(1)


def embeddings(words: int) -> tuple[nn.Embedding, nn.Parameter]:
    """Tokens (words, WIDTH) and positions (LONGEST, WIDTH), drawn as small as BERT draws them.

    PyTorch's own N(0, 1) would drown what is learned: related words would not come together.
    """
    embed = nn.Embedding(words, WIDTH)
    nn.init.normal_(embed.weight, std=0.02)
    return embed, nn.Parameter(0.02 * torch.randn(LONGEST, WIDTH))


class Transformer(nn.Module):
    """GPT if `causal`, BERT if not: the same parameters, one mask apart."""

    def __init__(self, words: int, causal: bool):
        super().__init__()
        self.causal = causal
        self.embed, self.position = embeddings(words)
        layer = nn.TransformerEncoderLayer(**LAYER, batch_first=True)
        self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(WIDTH, words)

    def read(self, vectors: Tensor) -> Tensor:
        """Embedded tokens (batch, length, WIDTH) -> contextual vectors of the same length."""
        length = vectors.shape[1]
        mask = causal_mask(length) if self.causal else None
        return self.layers(vectors + self.position[:length], mask=mask)

    def forward(self, ids: Tensor) -> Tensor:
        """ids (batch, length) -> logits (batch, length, words)."""
        return self.head(self.read(self.embed(ids)))


class ELMo(nn.Module):
    """Two one-way LSTMs, one from each end, side by side; one head for both."""

    def __init__(self, words: int):
        super().__init__()
        self.embed = nn.Embedding(words, WIDTH)
        self.rightwards = nn.LSTM(WIDTH, WIDTH, batch_first=True)
        self.leftwards = nn.LSTM(WIDTH, WIDTH, batch_first=True)
        self.head = nn.Linear(WIDTH, words)

    def read(self, vectors: Tensor) -> Tensor:
        """Embedded tokens (batch, length, WIDTH) -> contextual vectors of the same length."""
        after_left, _ = self.rightwards(vectors)
        after_right, _ = self.leftwards(vectors.flip(1))
        return torch.cat([after_left, after_right.flip(1)], dim=-1)

    def forward(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """ids (batch, length) -> logits of the next token and of the one before, each
        (batch, length, words)."""
        after_left, after_right = self.read(self.embed(ids)).split(WIDTH, dim=-1)
        return self.head(after_left), self.head(after_right)


class T5(nn.Module):
    """An encoder that reads all of the source and a causal decoder that looks back at it."""

    def __init__(self, words: int):
        super().__init__()
        self.embed, self.position = embeddings(words)
        encoder_layer = nn.TransformerEncoderLayer(**LAYER, batch_first=True)
        decoder_layer = nn.TransformerDecoderLayer(**LAYER, batch_first=True)
        self.encoder = nn.TransformerEncoder(encoder_layer, 2, enable_nested_tensor=False)
        self.decoder = nn.TransformerDecoder(decoder_layer, 2)
        self.head = nn.Linear(WIDTH, words)

    def read(self, source: Tensor, target: Tensor) -> Tensor:
        """Embedded source and target (batch, length, WIDTH) -> vectors of the target's tokens."""
        memory = self.encoder(source + self.position[: source.shape[1]])
        length = target.shape[1]
        mask = causal_mask(length)
        return self.decoder(target + self.position[:length], memory, tgt_mask=mask)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """ids (batch, source length), (batch, length) -> logits (batch, length, words)."""
        return self.head(self.read(self.embed(source), self.embed(target)))


class Classifier(nn.Module):
    """A new head on the mean of a Transformer's outputs; both are trained (fine-tuning)."""

    def __init__(self, trunk: Transformer, classes: int):
        super().__init__()
        self.trunk, self.head = trunk, nn.Linear(WIDTH, classes)

    def forward(self, ids: Tensor) -> Tensor:
        """ids (batch, length), not padded -> logits (batch, classes)."""
        return self.head(self.trunk.read(self.trunk.embed(ids)).mean(1))


class LSTMClassifier(nn.Module):
    """What one trained before 2018: word vectors, an LSTM in both directions, the mean, a head."""

    def __init__(self, words: int, classes: int, pad_id: int = 0, width: int = 96):
        super().__init__()
        self.pad_id = pad_id
        self.embed = nn.Embedding(words, width, padding_idx=pad_id)
        self.lstm = nn.LSTM(width, width, batch_first=True, bidirectional=True)
        self.head = nn.Linear(2 * width, classes)

    def forward(self, ids: Tensor) -> Tensor:
        """ids (batch, length), padded with `pad_id` -> logits (batch, classes)."""
        hidden, _ = self.lstm(self.embed(ids))
        real = (ids != self.pad_id).unsqueeze(-1)
        return self.head((hidden * real).sum(1) / real.sum(1))


def mean_loss(logits: Tensor, answers: Tensor) -> Tensor:
    """Cross entropy (nats a token) of logits (..., words) and answers (...)."""
    return cross_entropy(logits.flatten(0, -2), answers.flatten())


def train(
    model: nn.Module, loss_of: Callable, steps: int, learning_rate: float = 3e-3
) -> list[float]:
    """Minimise `loss_of(model)`, which draws its own batch, with Adam; the loss of every step."""
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate)
    losses = []
    for _ in range(steps):
        loss = loss_of(model)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


@torch.no_grad()
def accuracy(model: nn.Module, ids: Tensor, labels: Tensor) -> float:
    """Share of the rows whose best class is the right one."""
    return (model(ids).argmax(-1) == labels).float().mean().item()


@torch.no_grad()
def generate(model: Callable, ids: Tensor, length: int) -> Tensor:
    """Append the likeliest next token until there are `length`; ids: (batch, length so far)."""
    while ids.shape[1] < length:
        ids = torch.cat([ids, model(ids)[:, -1:].argmax(-1)], dim=1)
    return ids
