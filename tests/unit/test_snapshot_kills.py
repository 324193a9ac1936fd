"""A trainer killed at any step of writing a snapshot, and disks that do not take one."""

import os
import resource
import signal
import sys

import numpy as np
import pytest
from safetensors.numpy import save_file

from streamproc.engine import snapshots
from streamproc.engine.snapshots import ARRAYS, MANIFEST, Manifest
from streamproc.errors import BadSnapshot

KILLED = -signal.SIGKILL


def state(number):
    """Arrays that are told apart by their content."""
    return {"weights": np.full((300, 40), number, np.float32), "rows": np.arange(200, dtype=np.int64)}


def write(folder, number, keep=2, **more):
    manifest = Manifest(
        learned_to=number, highest=[number], version=1, events=number, generation=0, digest="", created_at=0,
        **more,
    )  # fmt: skip
    return snapshots.save(folder, state(number), manifest, keep)


def usable(folder):
    """Journal offsets of the snapshots that can be loaded, newest first; each holds what was written."""
    offsets = []
    for manifest, path in snapshots.newest(folder):
        np.testing.assert_array_equal(snapshots.load(path)["weights"], state(manifest.learned_to)["weights"])
        offsets.append(manifest.learned_to)
    return offsets


def in_a_child(work):
    """Run it in a copy of this process; gives the exit code, negative for the signal that killed it."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def killed_at(step, folder, number):
    """Whether the writer got so far: it dies right before its step-th touch of the file system."""

    def work():
        left = step

        def touch(*_):
            nonlocal left
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

        sync = os.fsync
        os.fsync = lambda handle: (touch(), sync(handle))
        sys.addaudithook(lambda event, _: touch() if event == "open" or event.startswith("os.") else None)
        write(folder, number)

    code = in_a_child(work)
    assert code in (KILLED, 0)
    return code == KILLED


@pytest.fixture(scope="module", autouse=True)
def imported(tmp_path_factory):
    """So that no child touches the file system for anything else."""
    write(tmp_path_factory.mktemp("first"), 1)
    save_file({}, tmp_path_factory.mktemp("first") / ARRAYS)


@pytest.mark.parametrize("before", [(), (5,), (5, 6)])
def test_killed_at_any_step_it_leaves_only_snapshots_that_verify(tmp_path, before):
    """Before every opening, fsync, rename and removal in turn, with nothing, little and enough there."""
    step, seen = 0, set()
    while True:
        step, folder = step + 1, tmp_path / str(step)
        for number in before:
            write(folder, number)
        if not killed_at(step, folder, 7):
            break
        left = usable(folder)
        assert left in ([*reversed(before)], [7, *reversed(before)], [7, *before[-1:]]), f"step {step}"
        seen.add(tuple(left))

        snapshots.clear(folder)  # as a trainer does when it starts
        assert all(path.name.startswith("snapshot-") for path in folder.glob("*"))
        write(folder, 8)
        assert usable(folder)[0] == 8

    assert step > 12  # mkdir, arrays, manifest, their syncs, the rename, the folder's sync, and what is old
    assert len(seen) > 1  # some died before it counted, some after


@pytest.mark.parametrize("size", [0, 1, 4096, 40_000])
def test_killed_in_the_middle_of_a_write_it_leaves_nothing_that_counts(tmp_path, size):
    """The kernel kills it where the file would become longer."""
    write(tmp_path, 5)

    def work():
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        write(tmp_path, 7)

    assert in_a_child(work) == -signal.SIGXFSZ
    assert usable(tmp_path) == [5]
    write(tmp_path, 8)
    assert sorted(path.name[-1] for path in tmp_path.iterdir()) == ["5", "8"]


def test_a_full_disk_costs_the_new_snapshot_and_nothing_else(tmp_path):
    """Files that cannot become longer, as on a full disk: an OSError, no remains, the old one stays."""
    write(tmp_path, 5)

    def work():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
        with pytest.raises(OSError, match="arrays"):
            write(tmp_path, 7)

    assert in_a_child(work) == 0
    assert [path.name[-1] for path in tmp_path.iterdir()] == ["5"]
    assert usable(tmp_path) == [5]


@pytest.mark.parametrize("failing", range(1, 5))
def test_what_an_fsync_failed_for_is_never_trusted_again(tmp_path, monkeypatch, failing):
    """Arrays, manifest, their folder, and the folder of all: a later fsync that succeeds proves nothing."""
    write(tmp_path, 5)
    calls, sync = [], os.fsync

    def fail_once(handle):
        calls.append(handle)
        if len(calls) == failing:
            raise OSError(5, "Input/output error")
        sync(handle)

    monkeypatch.setattr(os, "fsync", fail_once)

    with pytest.raises(OSError, match="Input/output error"):
        write(tmp_path, 7)
    assert [path.name[-1] for path in tmp_path.iterdir()] == ["5"]
    write(tmp_path, 7)

    assert len(calls) == failing + 4  # everything is written and synced anew
    assert usable(tmp_path) == [7, 5]


@pytest.fixture
def two(tmp_path):
    """An older and a newer snapshot."""
    return write(tmp_path, 5), write(tmp_path, 7)


def passed_over(folder):
    """(offset, reason) of what is of no use, and what is loaded in the end."""
    told = []
    for manifest, path in snapshots.newest(folder, lambda path, error: told.append(error.reason)):
        try:
            snapshots.load(path)
        except BadSnapshot as error:
            told.append(error.reason)
            continue
        return told, manifest.learned_to
    return told, None


@pytest.mark.parametrize("file", [ARRAYS, MANIFEST])
def test_truncated_to_any_length_it_is_passed_over(tmp_path, two, file):
    """64 lengths from nothing to all but a byte, of the arrays and of the manifest."""
    whole = (two[1] / file).read_bytes()
    reason = "checksum" if file == ARRAYS else "manifest"

    for length in sorted({int(part) for part in np.linspace(0, len(whole) - 1, 64)}):
        (two[1] / file).write_bytes(whole[:length])
        assert passed_over(tmp_path) == ([reason], 5), f"{length} bytes of {file}"


@pytest.mark.parametrize("file", [ARRAYS, MANIFEST])
def test_any_flipped_bit_is_noticed_before_the_arrays_are_used(tmp_path, two, file):
    """200 places at random; blanks of the manifest say nothing and are left out."""
    whole, random = (two[1] / file).read_bytes(), np.random.default_rng(4)
    reason = "checksum" if file == ARRAYS else "manifest"
    places = [place for place in random.permutation(len(whole)) if whole[place : place + 1].strip()]

    for place in places[:200]:
        damaged = bytearray(whole)
        damaged[place] ^= 1 << int(random.integers(8))
        (two[1] / file).write_bytes(damaged)
        assert passed_over(tmp_path) == ([reason], 5), f"byte {place} of {file}"


@pytest.mark.parametrize("file", [ARRAYS, MANIFEST])
def test_files_of_two_snapshots_that_changed_places_are_noticed(tmp_path, two, file):
    """Each is whole in itself, and neither belongs there."""
    contents = [(path / file).read_bytes() for path in two]
    for path, content in zip(two, reversed(contents), strict=True):
        (path / file).write_bytes(content)

    assert passed_over(tmp_path) == (["checksum" if file == ARRAYS else "manifest"] * 2, None)


def test_a_whole_snapshot_under_the_name_of_another_is_noticed(tmp_path, two):
    """It would have the trainer go on at the wrong offset of the journal."""
    two[1].rename(tmp_path / "snapshot-00000000000000000009")

    assert passed_over(tmp_path) == (["manifest"], 5)


@pytest.mark.parametrize("file", [ARRAYS, MANIFEST])
def test_a_file_of_zeros_is_noticed(tmp_path, two, file):
    """As some file systems leave them after a power cut."""
    size = (two[1] / file).stat().st_size
    (two[1] / file).write_bytes(bytes(size))

    assert passed_over(tmp_path) == (["checksum" if file == ARRAYS else "manifest"], 5)


def test_another_format_is_refused_by_its_number(tmp_path, two, monkeypatch):
    """Written by a later version: whole, but not to be read."""
    present = snapshots.FORMAT
    monkeypatch.setattr(snapshots, "FORMAT", present + 1)
    write(tmp_path, 9, keep=3, format=present + 1)
    monkeypatch.setattr(snapshots, "FORMAT", present)

    assert passed_over(tmp_path) == (["format"], 7)


def test_damaged_newer_ones_do_not_push_out_the_one_just_written(tmp_path):
    """With room for one, a trainer that had to go back would otherwise keep only what it cannot use."""
    newer = write(tmp_path, 9, keep=1)
    (newer / ARRAYS).write_bytes(b"")

    write(tmp_path, 6, keep=1)

    assert usable_or_none(tmp_path) == 6


def usable_or_none(folder):
    return passed_over(folder)[1]
