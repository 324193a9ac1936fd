"""Hashes of strings and the table on arrays."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamproc_models.hashing import find, hash64, hash_strings, put, remove, splitmix

MASK = (1 << 64) - 1


def written_out(text: bytes) -> int:
    """FNV-1a and splitmix64 in plain integers, as published."""
    state = 0xCBF29CE484222325
    for byte in text:
        state = (state ^ byte) * 0x100000001B3 & MASK
    state = (state + 0x9E3779B97F4A7C15) & MASK
    state = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 & MASK
    state = (state ^ state >> 27) * 0x94D049BB133111EB & MASK
    return (state ^ state >> 31) or 1


def test_splitmix_gives_the_published_sequence():
    """The first number of the reference implementation with seed 0."""
    assert splitmix(np.uint64(0)) == 0xE220A8397B1DCDAF


@settings(deadline=None)  # the first example compiles
@given(st.lists(st.binary(max_size=20), max_size=20))
def test_strings_hash_alike_one_by_one_and_in_bulk(texts):
    """The compiled hash, the single hash and the written-out algorithm agree."""
    data = np.frombuffer(b"".join(texts), np.uint8)
    ends = np.cumsum([len(text) for text in texts], dtype=np.int64)

    hashes = hash_strings(data, ends)

    assert hashes.tolist() == [hash64(text) for text in texts] == [written_out(text) for text in texts]


@settings(deadline=None)  # the first example compiles
@given(st.lists(st.tuples(st.booleans(), st.integers(1, 24)), max_size=60))
def test_the_table_behaves_like_a_dictionary(steps):
    """Any history of puts and removals on a crowded table leaves what a dict would hold."""
    keys, rows, model = np.zeros(32, np.uint64), np.zeros(32, np.int32), {}
    for row, (add, number) in enumerate(steps):
        key = np.uint64(number * 8)  # eight apart: few home places, long runs that wrap around
        if add:
            put(keys, rows, key, row)
            model[int(key)] = row
        else:
            remove(keys, rows, key)
            model.pop(int(key), None)

    assert {key: find(keys, rows, np.uint64(key)) for key in model} == model
    assert np.count_nonzero(keys) == len(model)
    assert find(keys, rows, np.uint64(999)) == -1


def test_a_full_table_says_so_instead_of_searching_for_ever():
    """A table without a free place refuses a new key, and still answers."""
    keys, rows = np.zeros(4, np.uint64), np.zeros(4, np.int32)
    for key in range(1, 5):
        put(keys, rows, np.uint64(key), key)

    with pytest.raises(ValueError, match="full"):
        put(keys, rows, np.uint64(9), 9)
    assert find(keys, rows, np.uint64(3)) == 3
    assert find(keys, rows, np.uint64(9)) == -1

    remove(keys, rows, np.uint64(9))
    remove(keys, rows, np.uint64(2))
    assert [find(keys, rows, np.uint64(key)) for key in range(1, 5)] == [1, -1, 3, 4]
