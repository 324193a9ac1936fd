"""A generation's arrays as they travel in chunks of the journal: what each item speaks for.

Items are named by their ids, since every reader numbers its rows in its own order.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamproc.contracts import encoder as encoders
from streamproc.contracts.encoder import EncoderArrays
from streamproc.contracts.ids import Strings
from streamproc.errors import BadRecord
from streamproc_models.arrays import F32, I32, U64
from streamproc_models.hashing import hash_strings
from streamproc_models.slots import FREE

_DTYPES = {"item_ids": "u1", "item_ends": "i8", "neighbours": "i4", "weights": "f4", "factors": "f4"}


class GenerationArrays(NamedTuple):
    """One sparse item-item matrix, the factors that the next refresh goes on from, perhaps an encoder."""

    items: U64  # (n,), hash of each id
    item_ids: Strings
    neighbours: I32  # (n, slots), places in item_ids, strongest first; FREE where none
    weights: F32  # (n, slots), above 0 and descending; 0 where free
    factors: F32  # (n, d), d = 0 where the method has none
    encoder: EncoderArrays | None = None  # None: the one that serves goes on serving


def pack(
    item_ids: Strings, neighbours: I32, weights: F32, factors: F32, encoder: EncoderArrays | None = None
) -> dict[str, NDArray[Any]]:
    """The arrays by name, for `journal.cut`; shapes as in GenerationArrays."""
    arrays = dict(zip(_DTYPES, (*item_ids, neighbours, weights, factors), strict=True))
    packed = {name: np.ascontiguousarray(arrays[name], dtype) for name, dtype in _DTYPES.items()}
    return packed | (encoders.pack(encoder) if encoder is not None else {})


def unpack(arrays: Mapping[str, NDArray[Any]]) -> GenerationArrays:
    """What `pack` gave; BadRecord where an array is missing or does not fit the others.

    Kernels read these arrays without checking places and without a NaN in mind, so all is checked here.
    """
    wrong = [name for name, dtype in _DTYPES.items() if _dtype(arrays.get(name)) != np.dtype(dtype)]
    if wrong:
        raise BadRecord(f"a generation without a readable {wrong[0]}", "The next refresh replaces it")
    data, ends, neighbours, weights, factors = (arrays[name] for name in _DTYPES)
    if problem := _problem(Strings(data, ends), neighbours, weights, factors):
        raise BadRecord(f"a generation in which {problem}", "The next refresh replaces it")
    names, encoder = Strings(data, ends), encoders.unpack(arrays, ends.size)
    return GenerationArrays(hash_strings(data, ends), names, neighbours, weights, factors, encoder)


def _dtype(array: NDArray[Any] | None) -> np.dtype[Any] | None:
    return None if array is None else array.dtype


def _problem(ids: Strings, neighbours: I32, weights: F32, factors: F32) -> str:
    items = ids.ends.size
    if neighbours.ndim != 2 or neighbours.shape != weights.shape or neighbours.shape[0] != items:
        return f"{items} items have neighbours {neighbours.shape} and weights {weights.shape}"
    if factors.ndim != 2 or factors.shape[0] != items:
        return f"{items} items have factors {factors.shape}"
    if (np.diff(ids.ends, prepend=0) < 1).any() or (items and ids.ends[-1] != ids.data.size):
        return "the item ids are cut wrongly"
    if neighbours.size and not FREE <= neighbours.min() <= neighbours.max() < items:
        return "a neighbour is no item"
    if not (np.isfinite(weights).all() and np.isfinite(factors).all()):
        return "a number is not finite"
    if ((weights > 0) != (neighbours != FREE)).any():
        return "a weight does not go with its neighbour"
    return ""
