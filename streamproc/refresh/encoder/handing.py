"""A trained GRU as the arrays that travel in a generation."""

import numpy as np
import torch

from streamproc.contracts.encoder import EncoderArrays
from streamproc.refresh.encoder.training import Trained
from streamproc_models.arrays import F32

LOW = 10  # percentile of the biases that an unknown item gets


def arrays(trained: Trained, events: int) -> EncoderArrays:
    """Weights and sums of the items in the trained sequences; `items` are the encoder's own numbers.

    Raises ValueError for a cell that is no GRU: no head can serve another one.
    """
    encoder = trained.encoder
    if encoder.config.cell != "gru":
        raise ValueError(f"a cell of kind {encoder.config.cell} cannot be handed over")
    met = np.flatnonzero(trained.sampler.shares)
    weights, sums = encoder.split()
    return EncoderArrays(
        items=met.astype(np.int32),
        embeddings=weights[0].numpy()[met],
        bias=weights[1].numpy()[met],
        cell=_side_by_side(weights[2:]),
        embeddings_sums=sums[0].numpy()[met],
        bias_sums=sums[1].numpy()[met],
        cell_sums=_side_by_side(sums[2:]),
        counts=trained.sampler.counts[met],
        unknown_bias=np.percentile(weights[1].numpy()[met], [LOW]).astype(np.float32),
        events=np.array([events]),
    )


def _side_by_side(parts: list[torch.Tensor]) -> F32:
    """torch's (3h, h), (3h, h), (3h,), (3h,) as (2h + 2, 3h), gates in torch's own order."""
    both = [part.detach().numpy().T.reshape(-1, part.shape[0]) for part in parts]
    return np.concatenate(both)
