"""Hashes of strings, and a hash table on two arrays that kernels and snapshots share.

The hash is FNV-1a, 64 bits (Fowler, Noll and Vo, 1991), finished by splitmix64 (Steele, Lea and
Flood, 2014), since FNV alone leaves the low bits of short strings poorly mixed. 0 is never a
hash: it marks a free place.

The table is open addressing with linear probing and deletion by shifting back (Knuth, The Art of
Computer Programming 3, 6.4, algorithm R), so it needs no tombstones: `keys` (capacity,) uint64 and
`rows` (capacity,) int32. The capacity is a power of two; keep at least a quarter of it free.
"""

import numpy as np

from streamproc_models.arrays import I32, I64, U8, U64, Hash
from streamproc_models.kernel import kernel, tight

FREE = np.uint64(0)

_FNV_BASIS = np.uint64(0xCBF29CE484222325)
_FNV_PRIME = np.uint64(0x100000001B3)


@tight
def splitmix(state: np.uint64) -> np.uint64:
    """64 well mixed bits of `state`: one step of splitmix64, for seeds and for finishing a hash."""
    mixed = np.uint64(state) + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


@tight
def hash_range(data: U8, start: int, end: int) -> np.uint64:
    """Hash of the bytes data[start:end]; never 0."""
    state = _FNV_BASIS
    for place in range(start, end):
        state = (state ^ np.uint64(data[place])) * _FNV_PRIME
    mixed = splitmix(state)
    return mixed if mixed != FREE else np.uint64(1)


@kernel
def hash_strings(data: U8, ends: I64) -> U64:
    """Hashes (n,) of n strings that lie one after the other in `data`, each up to ends[i]."""
    hashes = np.empty(ends.size, np.uint64)
    start = 0
    for place in range(ends.size):
        hashes[place] = hash_range(data, start, ends[place])
        start = ends[place]
    return hashes


def hash64(text: bytes) -> int:
    """Hash of one string, the same as `hash_strings` gives; never 0."""
    return int(hash_range(np.frombuffer(text, np.uint8), 0, len(text)))


@tight
def find(keys: U64, rows: I32, key: Hash) -> int:
    """The row of `key`, -1 if it is not in the table."""
    place = _seek(keys, key)
    if place < 0 or keys[place] != key:
        return -1
    row: int = rows[place]
    return row


@tight
def find_all(keys: U64, rows: I32, wanted: U64, out: I32) -> None:
    """out (n,) = the row of each key of `wanted` (n,), -1 where it is not in the table."""
    for place in range(wanted.size):
        out[place] = find(keys, rows, wanted[place])


@tight
def put(keys: U64, rows: I32, key: Hash, row: int) -> None:
    """Set the row of `key`, known or new; ValueError if the table is full."""
    place = _seek(keys, key)
    if place < 0:
        raise ValueError("the hash table is full")
    keys[place] = key
    rows[place] = row


@tight
def remove(keys: U64, rows: I32, key: Hash) -> None:
    """Take `key` out, if it is there; what had to give way to it moves back."""
    hole = _seek(keys, key)
    if hole < 0 or keys[hole] == FREE:
        return
    mask = keys.size - 1
    keys[hole] = FREE
    place = (hole + 1) & mask
    while keys[place] != FREE:
        home = np.int64(keys[place] & np.uint64(mask))
        if (place - home) & mask >= (place - hole) & mask:
            keys[hole] = keys[place]
            rows[hole] = rows[place]
            keys[place] = FREE
            hole = place
        place = (place + 1) & mask


@tight
def _seek(keys: U64, key: Hash) -> np.int64:
    """Where `key` is, or else the free place where it would go; -1 if neither exists."""
    mask = keys.size - 1
    place = np.int64(key & np.uint64(mask))
    for _ in range(keys.size):
        if keys[place] == key or keys[place] == FREE:
            return place
        place = (place + 1) & mask
    return np.int64(-1)
