"""Snapshots for people: listed, verified, rolled back."""

import json
import os

import numpy as np
import pytest

from streamproc import cli
from streamproc.config import Config
from streamproc.engine import snapshots
from streamproc.engine.snapshots import ARRAYS, MANIFEST, Manifest, folder, listed
from streamproc.errors import AlreadyRunning, BadSnapshot, TopicMismatch
from streamproc.trainer.rollback import roll_back


@pytest.fixture
def config(tmp_path):
    """Snapshots at the journal offsets 10, 20 and 30."""
    config = Config(data_dir=tmp_path / "data")
    for offset in (10, 20, 30):
        manifest = Manifest(
            learned_to=offset, highest=[1], version=2, events=5, generation=0, digest="d", created_at=0
        )
        snapshots.save(folder(config), {"a": np.arange(offset)}, manifest, keep=3)
    return config


def offsets(config):
    return [manifest.learned_to for manifest, _ in snapshots.newest(folder(config))]


def damage(config, file, place=-1):
    path = snapshots.found(folder(config))[place] / file
    path.write_bytes(path.read_bytes()[:-3])


def test_newer_ones_are_set_aside_and_kept(config):
    """The next start finds the older one first."""
    done = roll_back(config, 20, journal_begin=0)

    assert done.manifest.learned_to == 20
    assert offsets(config) == [20, 10]
    assert [path.exists() for path in done.aside] == [True]


def test_repeated_it_changes_nothing(config):
    """And further back is possible."""
    roll_back(config, 20, 0)

    assert roll_back(config, 20, 0).aside == []
    assert len(roll_back(config, 10, 0).aside) == 1
    assert offsets(config) == [10]


def test_what_was_set_aside_twice_is_kept_twice(config):
    """A trainer has come past the same offset again."""
    first = roll_back(config, 20, 0).aside
    snapshots.save(folder(config), {}, snapshots.read_manifest(snapshots.found(folder(config))[0]), 3)
    manifest = Manifest(
        learned_to=30, highest=[1], version=2, events=5, generation=0, digest="d", created_at=0
    )
    snapshots.save(folder(config), {"a": np.arange(30)}, manifest, 3)

    second = roll_back(config, 20, 0).aside

    assert all(path.exists() for path in [*first, *second])
    assert first != second


def test_to_one_that_is_damaged_or_not_there_nobody_goes_back(config):
    """Nothing is set aside before that is certain."""
    damage(config, ARRAYS, place=1)

    with pytest.raises(BadSnapshot, match="checksum"):
        roll_back(config, 20, 0)
    with pytest.raises(BadSnapshot, match=r"no snapshot at journal offset 25. It has 30, 20, 10"):
        roll_back(config, 25, 0)

    assert offsets(config) == [30, 20, 10]


def test_to_one_that_the_journal_does_not_reach_nobody_goes_back(config):
    """The trainer would refuse to start."""
    with pytest.raises(TopicMismatch, match="begins at 11"):
        roll_back(config, 10, journal_begin=11)

    assert offsets(config) == [30, 20, 10]


def test_not_while_a_trainer_runs(config):
    """It would go on writing newer ones."""
    run = config.data_dir / "run"
    run.mkdir()
    (run / "trainer.json").write_text(json.dumps({"pid": os.getpid(), "metrics": ""}))

    with pytest.raises(AlreadyRunning, match=f"process {os.getpid()}"):
        roll_back(config, 10, 0)


def test_the_list_says_what_is_wrong_with_which(config):
    """A manifest is looked at, the arrays only when verifying."""
    damage(config, ARRAYS)
    damage(config, MANIFEST, place=0)

    assert [each.reason for each in listed(config, every_byte=False)] == ["manifest", "", ""]
    assert [each.reason for each in listed(config, every_byte=True)] == ["manifest", "", "checksum"]


@pytest.mark.parametrize(("damaged", "code"), [(False, 0), (True, 1)])
def test_verify_ends_with_what_a_script_can_ask_for(config, capsys, damaged, code):
    """Exit code 1 where a byte is wrong."""
    if damaged:
        damage(config, ARRAYS)

    with pytest.raises(SystemExit) as end:
        cli.main(["snapshot", "verify", "--json", "--data-dir", str(config.data_dir)])

    told = json.loads(capsys.readouterr().out)
    assert end.value.code == code
    assert [bool(each["problem"]) for each in told["snapshots"]] == [False, False, damaged]
