"""Who gives way to whom on a machine that has too much to do."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from streamproc.broker import child
from streamproc.scheduling import NICENESS

TELL = """
import os, pathlib, sys
sys.path.insert(0, sys.argv[1])
from streamproc.scheduling import AUTOGROUP, give_way, make_session_nice
give_way()
for niceness in sys.argv[2:]:  # not everybody may say so twice within a tenth of a second
    while not make_session_nice(int(niceness)):
        pass
group = pathlib.Path(AUTOGROUP)
print(os.getpriority(os.PRIO_PROCESS, 0), group.read_text() if group.exists() else "none")
"""
ROOT = str(Path(__file__).parents[2])


def told(own_session, *more):
    command = [sys.executable, "-c", TELL, ROOT, *map(str, more)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, start_new_session=own_session)
    niceness, _, group = done.stdout.partition(" ")
    return int(niceness) - os.getpriority(os.PRIO_PROCESS, 0), group.strip()


def test_who_gives_way_takes_its_own_session_along():
    """Linux shares out among sessions first; without such groups there is nothing more to do."""
    niceness, group = told(own_session=True)

    assert niceness == NICENESS
    assert group == "none" or group.endswith(f"nice {NICENESS}")


def test_the_session_takes_its_full_share_again():
    """As a trainer's does that lags; and gives way once more."""
    for niceness in (0, NICENESS):
        _, group = told(True, 0, niceness)
        assert group == "none" or group.endswith(f"nice {niceness}")


def test_the_session_of_others_stays_as_it_is():
    """A part that is started in a terminal makes nothing else in it slow."""
    before = Path("/proc/self/autogroup")
    expected = before.read_text().strip() if before.exists() else "none"

    assert told(False) == told(False, 0) == (NICENESS, expected)


@pytest.mark.parametrize("gives_way", [True, False])
def test_a_child_gives_way_where_it_is_told_to(tmp_path, gives_way):
    """As the broker, which is no program of ours, is."""
    command = [sys.executable, "-c", "import os; print(os.getpriority(os.PRIO_PROCESS, 0))"]
    log = tmp_path / "log"
    with log.open("wb") as output:
        process = child.spawn(command, output, tmp_path, gives_way=gives_way)
    assert process.wait() == 0

    niceness = int(log.read_text()) - os.getpriority(os.PRIO_PROCESS, 0)
    assert niceness == (NICENESS if gives_way else 0)
