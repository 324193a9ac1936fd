"""Snapshots are there whole or not at all."""

import numpy as np
import pytest

from streamproc.engine import snapshots
from streamproc.engine.snapshots import ARRAYS, MANIFEST, Manifest
from streamproc.errors import BadSnapshot

STATE = {"weights": np.arange(12, dtype=np.float32).reshape(3, 4), "rows": np.array([5, -1], np.int64)}


def manifest(learned_to=17):
    return Manifest(
        learned_to=learned_to, highest=[4, -1], version=3, events=5, generation=0, digest="d", created_at=0
    )


@pytest.fixture
def saved(tmp_path):
    """The folder of one snapshot."""
    return snapshots.save(tmp_path, STATE, manifest(), keep=3)


def flip(file, position):
    content = bytearray(file.read_bytes())
    content[position] ^= 1 << (position % 8)
    file.write_bytes(content)


def found(folder):
    """`learned_to` of every snapshot that can be loaded, newest first."""
    readable = []
    for one, path in snapshots.newest(folder):
        try:
            snapshots.load(path)
        except BadSnapshot:
            continue
        readable.append(one.learned_to)
    return readable


def test_what_was_saved_is_loaded(tmp_path, saved):
    """Names, types, shapes and values, and the manifest with them."""
    [(one, path)] = snapshots.newest(tmp_path)

    loaded = snapshots.load(path)

    assert path == saved
    assert (one.learned_to, one.highest, one.version, one.digest) == (17, [4, -1], 3, "d")
    assert one.size == (saved / ARRAYS).stat().st_size
    for name, array in STATE.items():
        assert loaded[name].dtype == array.dtype
        np.testing.assert_array_equal(loaded[name], array)


def test_the_newest_comes_first_and_old_ones_are_removed(tmp_path):
    """By journal offset, also where it has more digits."""
    for learned_to in (9, 10, 100, 99):
        snapshots.save(tmp_path, STATE, manifest(learned_to), keep=3)

    assert found(tmp_path) == [100, 99, 10]


def test_saving_again_replaces(tmp_path, saved):
    """A trainer that restarted from an older one comes past the same offset."""
    snapshots.save(tmp_path, {"weights": np.ones(1, np.float32)}, manifest(), keep=3)

    [(_, path)] = snapshots.newest(tmp_path)
    assert snapshots.load(path)["weights"].tolist() == [1]


@pytest.mark.parametrize("file", [ARRAYS, MANIFEST])
def test_a_damaged_byte_is_noticed_wherever_it_is(tmp_path, saved, file):
    """60 places at random, in the arrays, in their header, and in the manifest but for its blanks."""
    content = (saved / file).read_bytes()
    random = np.random.default_rng(7)
    places = [place for place in random.permutation(len(content)) if content[place : place + 1].strip()][:60]

    for place in places:
        flip(saved / file, place)
        assert found(tmp_path) == [], f"byte {place} of {file}"
        (saved / file).write_bytes(content)

    assert found(tmp_path) == [17]


@pytest.mark.parametrize("left", [0, 1, 100, -1])
def test_a_truncated_file_is_noticed(saved, left):
    """Down to nothing, and by a single byte."""
    content = (saved / ARRAYS).read_bytes()
    (saved / ARRAYS).write_bytes(content[:left])

    with pytest.raises(BadSnapshot, match="damaged"):
        snapshots.load(saved)


def test_a_missing_file_is_noticed(tmp_path, saved):
    """Without its arrays it cannot be loaded, without its manifest it is none."""
    (saved / ARRAYS).unlink()
    with pytest.raises(BadSnapshot, match="cannot be read"):
        snapshots.load(saved)

    (saved / MANIFEST).unlink()
    assert list(snapshots.newest(tmp_path)) == []
    with pytest.raises(BadSnapshot, match="no readable manifest"):
        snapshots.load(saved)


def test_an_older_one_is_there_when_the_newest_is_damaged(tmp_path, saved):
    """The reader tries the next."""
    newer = snapshots.save(tmp_path, STATE, manifest(18), keep=3)
    flip(newer / ARRAYS, 40)

    assert found(tmp_path) == [17]


def test_what_a_killed_process_left_is_no_snapshot_and_is_cleared_away(tmp_path, saved):
    """It never got its final name."""
    half = tmp_path / ".unfinished-snapshot-00000000000000000099"
    half.mkdir()
    (half / ARRAYS).write_bytes(b"half")

    assert found(tmp_path) == [17]
    snapshots.save(tmp_path, STATE, manifest(18), keep=3)
    assert not half.exists()


def test_there_is_none_before_the_first(tmp_path):
    """The folder need not even exist."""
    assert list(snapshots.newest(tmp_path / "nowhere")) == []
