"""`streamproc up`, as a user runs it."""

import os
import signal

import pytest

from tests.integration.supervised import Supervised, wait_until

pytestmark = pytest.mark.kafka

STOP_WITHIN = 15.0  # seconds, promised
SOON = {"kafka": {"session_timeout": 3.0}}  # what killed parts had is their successors'


def test_up_runs_every_part_and_leaves_none_behind(tmp_path):
    """Started, a dead part replaced, a second `up` refused, stopped within the promised time."""
    with Supervised(tmp_path) as system:
        first = system.start("up")
        system.wait_ready(first)

        second = system.start("up")
        assert second.wait(60.0) == 5
        refusal = f"streamproc is already up on {system.data_dir} (process {first.pid})"
        assert refusal in system.said(second)

        killed = system.pid_of("worker")
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: system.pid_of("worker") not in (killed, None), "the worker is started again")

        first.send_signal(signal.SIGTERM)
        assert first.wait(STOP_WITHIN) == 0
        assert "worker was killed by signal 9" in system.said(first)
        assert system.processes() == {}


def test_a_killed_up_leaves_nothing_behind_and_can_be_started_again(tmp_path):
    """The kernel ends what the supervisor no longer can."""
    with Supervised(tmp_path, SOON) as system:
        first = system.start("up")
        system.wait_ready(first)

        first.kill()
        first.wait()
        wait_until(lambda: not system.processes(), "every part has ended")

        system.wait_ready(system.start("up"))
