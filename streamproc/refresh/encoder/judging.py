"""How well an encoder predicts the newest slice of the history, among all items."""

from typing import NamedTuple

import numpy as np
import torch

from streamproc.refresh.encoder.network import Encoder
from streamproc.refresh.encoder.sequences import Sequences, batch, windows
from streamproc_models.arrays import I32, I64

AT = 20
BLOCK_ENTRIES = 4_000_000  # scores at a time, 16 MB


class Judgement(NamedTuple):
    """Over all targets of the slice; an item with as many others above it as `AT` is a miss."""

    recall: float
    mrr: float
    targets: int


@torch.no_grad()
def judge(encoder: Encoder, sequences: Sequences) -> Judgement:
    """Every event of the slice whose user has an earlier one, predicted from what was before it."""
    ranks = [np.empty(0, np.int64)]
    for cut, first in windows(sequences, encoder.config.length):
        rectangle = batch(sequences.items, cut)
        counted = rectangle.used & (np.arange(rectangle.used.shape[1]) >= first[:, None])
        hidden = encoder.hidden(rectangle)[torch.from_numpy(counted)]  # (m, h)
        ranks.append(_ranks(encoder, hidden, rectangle.targets[counted[rectangle.used]]))
    rank = np.concatenate(ranks)
    hits = np.where(rank < AT, 1.0 / (rank + 1.0), 0.0)
    count = max(rank.size, 1)
    return Judgement(int(np.count_nonzero(hits)) / count, float(hits.sum()) / count, rank.size)


def _ranks(encoder: Encoder, hidden: torch.Tensor, targets: I32) -> I64:
    """How many items score higher than each target (m,), or as high."""
    step = max(1, BLOCK_ENTRIES // encoder.bias.numel())
    ranks = np.empty(targets.size, np.int64)
    for start in range(0, targets.size, step):
        part = slice(start, start + step)  # (m,) of them
        scores = torch.addmm(encoder.bias, hidden[part], encoder.embeddings.t())  # (m, items)
        own = scores.gather(1, torch.from_numpy(targets[part].astype(np.int64))[:, None])
        ranks[part] = ((scores >= own).sum(1) - 1).numpy()
    return ranks
