"""The encoder and one step of its training.

A position's hidden vector is compared with the embeddings of items, which are those that the cell is fed
with (tied; Hidasi et al., 2016): score = h . E_j + b_j. The loss is cross-entropy over the items of the
step, each score corrected by how often the item is expected among them. Embeddings and recurrent cells
learn by Adagrad, whose sums the online head goes on from; an attention block by Adam. Dropout is on the
embeddings that go in and on the hidden vectors that come out.
"""

from itertools import chain

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from streamproc.encoder_config import EncoderConfig
from streamproc.refresh.encoder.cells import cell, drop
from streamproc.refresh.encoder.descent import Adagrad, Adam
from streamproc.refresh.encoder.sampling import Sampler, log_expected, negatives
from streamproc.refresh.encoder.sequences import Batch
from streamproc_models.arrays import I64

EMBEDDING_SPAN = 0.04


class Encoder:
    """m items, hidden size h. The same seed and the same batches give the same weights, on one thread."""

    def __init__(self, config: EncoderConfig, items: int, seed: int) -> None:
        self.config = config
        self.draw = torch.Generator().manual_seed(seed)
        shape = (items, config.size)
        self.embeddings = torch.empty(shape).uniform_(-EMBEDDING_SPAN, EMBEDDING_SPAN, generator=self.draw)
        self.bias = torch.zeros(items)
        self.cell = cell(config, self.draw)
        self._rows = Adagrad([self.embeddings, self.bias])
        weights: list[Tensor] = list(self.cell.parameters())
        self._weights = Adam(weights) if config.cell == "attention" else Adagrad(weights)

    def learn(self, batch: Batch, sampler: Sampler, rate: float, draw: np.random.Generator) -> float:
        """One step; returns the loss, the mean cross-entropy in nats."""
        config, count = self.config, batch.targets.size
        items, inputs, targets = _numbered(batch, negatives(sampler, config.negatives, draw))
        embeddings, bias = self.embeddings[items].requires_grad_(), self.bias[items].requires_grad_()
        x = drop(embeddings[inputs], config.dropout, self.draw)  # (b, t, h)
        hidden = drop(self.cell(x)[torch.from_numpy(batch.used)], config.dropout, self.draw)  # (m, h)
        expected = torch.from_numpy(log_expected(sampler, items.numpy(), count, config.negatives))
        logits = torch.addmm(bias - expected, hidden, embeddings.t())  # (m, h), (h, k) -> (m, k)
        loss = functional.cross_entropy(logits, targets)
        loss.backward()  # type: ignore[no-untyped-call]
        self._rows.step_rows(items, [embeddings, bias], rate, config.l2)
        self._weights.step(rate, config.l2)
        self.cell.zero_grad()
        return float(loss.detach())

    @torch.no_grad()
    def hidden(self, batch: Batch) -> Tensor:
        """Hidden vectors (b, t, h) after each position, without dropout."""
        self.cell.eval()
        x = self.embeddings[torch.from_numpy(batch.inputs.astype(np.int64))]
        hidden: Tensor = self.cell(x)
        self.cell.train()
        return hidden

    def split(self) -> tuple[list[Tensor], list[Tensor]]:
        """Embeddings (m, h), bias (m,), and the cell's weights; and the sums of their descent. No copies."""
        weights = [each.detach() for each in self.cell.parameters()]
        return [self.embeddings, self.bias, *weights], self._rows.sums + self._weights.sums

    def copied(self) -> list[Tensor]:
        """All weights and sums as they are now."""
        return [each.clone() for each in chain(*self.split())]

    def restore(self, copied: list[Tensor]) -> None:
        """Back to what `copied` gave."""
        for each, earlier in zip(chain(*self.split()), copied, strict=True):
            each.copy_(earlier)


def _numbered(batch: Batch, drawn: I64) -> tuple[Tensor, Tensor, Tensor]:
    """The items (k,) of a step, and the places in them of its inputs (b, t) and targets (m,)."""
    count = batch.targets.size
    every = np.concatenate([batch.inputs[batch.used], batch.targets, drawn])
    items, places = np.unique(every, return_inverse=True)
    inputs = np.zeros(batch.inputs.shape, np.int64)
    inputs[batch.used] = places[:count]
    targets = places[count : 2 * count]
    return torch.from_numpy(items), torch.from_numpy(inputs), torch.from_numpy(targets)
