"""The trained encoder as a part of a generation: what a second recurrent head goes on from.

The arrays have the layout of `streamproc_models.heads.gru.Gru`, for the items that the encoder has met.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamproc.errors import BadRecord
from streamproc_models.arrays import F32, I32, I64

PREFIX = "encoder_"


class EncoderArrays(NamedTuple):
    """A GRU of hidden size h over m items, with Adagrad's sums of squared gradients."""

    items: I32  # (m,), places in the generation's item_ids, ascending
    embeddings: F32  # (m, h)
    bias: F32  # (m,)
    cell: F32  # (2h + 2, 3h): weights of the input, of the hidden vector, their two biases
    embeddings_sums: F32  # (m, h), above 0, and so below
    bias_sums: F32  # (m,)
    cell_sums: F32  # (2h + 2, 3h)
    counts: I64  # (m,), how often each item was a target
    unknown_bias: F32  # (1,), for items that the encoder has not met: a low one of its own
    events: I64  # (1,), that it was trained on


_DTYPES = dict(zip(EncoderArrays._fields, "i4 f4 f4 f4 f4 f4 f4 i8 f4 i8".split(), strict=True))


def pack(encoder: EncoderArrays) -> dict[str, NDArray[Any]]:
    """The arrays by name, beside those of the generation."""
    return {
        PREFIX + name: np.ascontiguousarray(array, _DTYPES[name]) for name, array in encoder._asdict().items()
    }


def unpack(arrays: Mapping[str, NDArray[Any]], items: int) -> EncoderArrays | None:
    """What `pack` gave, in a generation of so many items; None where there is no encoder.

    BadRecord where an array is missing or does not fit the others: kernels check nothing.
    """
    if not any(name.startswith(PREFIX) for name in arrays):
        return None
    for name, dtype in _DTYPES.items():
        if PREFIX + name not in arrays or arrays[PREFIX + name].dtype != np.dtype(dtype):
            raise _bad(f"without a readable {PREFIX}{name}")
    encoder = EncoderArrays._make(arrays[PREFIX + name] for name in EncoderArrays._fields)
    if problem := _problem(encoder, items):
        raise _bad(f"in which {problem}")
    return encoder


def _bad(what: str) -> BadRecord:
    return BadRecord(f"a generation {what}", "The next refresh replaces it")


def _problem(encoder: EncoderArrays, items: int) -> str:
    arrays: list[NDArray[Any]] = list(encoder)
    met = encoder.items
    size = encoder.embeddings.shape[-1] if encoder.embeddings.ndim == 2 else 0
    if size < 8 or size % 8:
        return f"the encoder has embeddings {encoder.embeddings.shape}"
    for name, array, shape in zip(EncoderArrays._fields, arrays, _shapes(met.size, size), strict=True):
        if array.shape != shape:
            return f"the encoder's {name} are {array.shape} instead of {shape}"
    if (met.size and not 0 <= met[0] <= met[-1] < items) or (np.diff(met) < 1).any():
        return "the encoder's items are not those of the generation in ascending order"
    if not all(np.isfinite(array).all() for array in arrays):
        return "a number of the encoder is not finite"
    if any((sums <= 0).any() for sums in (encoder.embeddings_sums, encoder.bias_sums, encoder.cell_sums)):
        return "a sum of squares of the encoder is not above 0"
    if (encoder.counts < 0).any() or encoder.events[0] < 1:
        return "the encoder counts less than nothing"
    return ""


def _shapes(met: int, size: int) -> tuple[tuple[int, ...], ...]:
    rows, cell = (met, size), (2 * size + 2, 3 * size)
    return (met,), rows, (met,), cell, rows, (met,), cell, (met,), (1,), (1,)
