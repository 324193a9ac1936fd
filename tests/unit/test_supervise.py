"""The supervisor, with harmless commands in place of the parts."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from streamproc.clock import ManualClock
from streamproc.errors import AlreadyRunning, StreamprocError
from streamproc.up import lock
from streamproc.up.parts import Process, last_line
from streamproc.up.supervise import LONGEST_WAIT, STEADY, Supervisor

ROOT = Path(__file__).parents[2]
SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True)"
STUBBORN = [sys.executable, "-c", f"{DEAF}; time.sleep(60)"]


class Scripted:
    """A part that does what the test says."""

    patience = 1.0

    def __init__(self, name, journal=None):
        self.name = name
        self.starts = 0
        self.code = None
        self.fails = False
        self.journal = [] if journal is None else journal

    def start(self):
        if self.fails:
            raise StreamprocError("the port is taken")
        self.starts += 1
        self.code = None

    def poll(self):
        return self.code

    def stop(self, patience):
        self.journal.append(self.name)

    def last_words(self):
        return "ValueError: no"


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def said():
    return []


def watching(*parts, said, clock):
    supervisor = Supervisor(parts, said.append, clock)
    supervisor.start()
    return supervisor


def wait_until(true, seconds=10.0):
    """Poll a condition that another process makes true."""
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.01)


def gone(pid):
    """Whether a process has ended (a zombie that waits for its parent has)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_a_part_that_dies_is_started_again_after_a_wait(said, clock):
    """First after half a second, and with a line that says why."""
    worker = Scripted("worker")
    supervisor = watching(worker, said=said, clock=clock)

    worker.code = 1
    supervisor.look()
    clock.advance(0.4)
    supervisor.look()
    assert worker.starts == 1

    clock.advance(0.2)
    supervisor.look()
    assert worker.starts == 2
    assert said == ["worker ended with code 1 (ValueError: no); starting it again in 0.5 s"]


def test_each_further_death_doubles_the_wait_up_to_a_limit(said, clock):
    """A part that cannot run must not keep the machine busy: 0.5, 1, 2, 4, 8, 16, 30, 30."""
    worker = Scripted("worker")
    supervisor = watching(worker, said=said, clock=clock)

    for _ in range(8):
        worker.code = -9
        supervisor.look()
        clock.advance(LONGEST_WAIT)
        supervisor.look()

    waits = [float(line.split(" in ")[1].removesuffix(" s")) for line in said]
    assert waits == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    assert "killed by signal 9" in said[0]


def test_a_long_life_makes_earlier_deaths_forgotten(said, clock):
    """One crash a day is no crash loop."""
    worker = Scripted("worker")
    supervisor = watching(worker, said=said, clock=clock)

    for _ in range(3):
        clock.advance(STEADY)
        worker.code = 1
        supervisor.look()
        clock.advance(1.0)
        supervisor.look()

    assert all("in 0.5 s" in line for line in said)


def test_a_part_that_cannot_be_started_is_tried_again(said, clock):
    """A port that is still taken for a moment is no reason to give up."""
    broker = Scripted("broker")
    broker.fails = True
    supervisor = watching(broker, said=said, clock=clock)
    assert said == ["broker cannot be started: the port is taken; starting it again in 0.5 s"]

    broker.fails = False
    clock.advance(0.6)
    supervisor.look()

    assert supervisor.running() == ["broker"]


def test_a_fenced_trainer_stays_stopped(said, clock):
    """Two trainers that fence each other for ever would learn nothing."""
    trainer = Scripted("trainer")
    supervisor = watching(trainer, said=said, clock=clock)

    trainer.code = 4
    supervisor.look()
    clock.advance(3600.0)
    supervisor.look()

    assert trainer.starts == 1
    assert said == ["trainer: another trainer took over; this one stays stopped"]


def test_parts_are_stopped_in_the_order_asked_for(said, clock):
    """What writes goes before what is written to."""
    order = []
    parts = [Scripted(name, order) for name in ("broker", "trainer", "worker", "refresh")]
    supervisor = watching(*parts, said=said, clock=clock)

    supervisor.stop(["worker", "refresh", "trainer", "broker"])

    assert order == ["worker", "refresh", "trainer", "broker"]


def test_a_part_that_does_not_listen_is_killed(tmp_path):
    """SIGKILL is the last resort, and it always comes."""
    part = Process("worker", STUBBORN, tmp_path / "logs" / "worker.log", patience=1.0)
    part.start()
    wait_until(lambda: last_line(tmp_path / "logs" / "worker.log") == "deaf")

    part.stop(0.05)

    assert part.poll() == -signal.SIGKILL


def test_what_a_part_has_started_ends_with_it(tmp_path):
    """A batch job's own child is nobody's orphan."""
    code = (
        f"import subprocess; print(subprocess.Popen({SLEEP!r}).pid, flush=True); import time; time.sleep(60)"
    )
    part = Process("refresh", [sys.executable, "-c", code], tmp_path / "refresh.log", patience=1.0)
    part.start()
    wait_until(lambda: last_line(tmp_path / "refresh.log").isdigit())

    part.stop(1.0)

    wait_until(lambda: gone(int(last_line(tmp_path / "refresh.log"))))


def test_parts_die_with_a_supervisor_that_is_killed(tmp_path):
    """Even kill -9 leaves no process behind."""
    code = (
        "import sys, time; from pathlib import Path; from streamproc.up.parts import Process\n"
        f"part = Process('worker', {SLEEP!r}, Path(sys.argv[1]), 1.0)\n"
        "part.start(); print(part.pid, flush=True); time.sleep(60)"
    )
    above = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "worker.log")],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'models'}"},
    )
    with above:
        pid = int(above.stdout.readline())
        assert not gone(pid)
        above.kill()

    wait_until(lambda: gone(pid))


def test_output_is_added_to_the_log_of_the_run_before(tmp_path):
    """The reason for a death is still there after the restart."""
    log = tmp_path / "worker.log"
    for word in ("first", "second"):
        part = Process("worker", [sys.executable, "-c", f"print('{word}')"], log, patience=1.0)
        part.start()
        wait_until(lambda part=part: part.poll() == 0)

    assert log.read_text("utf-8").split() == ["first", "second"]


def test_a_second_supervisor_on_the_same_folder_is_refused(tmp_path):
    """The sentence names the folder and the process that holds it."""
    with lock.held(tmp_path):
        with pytest.raises(AlreadyRunning, match=rf"already up on {tmp_path} \(process {os.getpid()}\)"):
            with lock.held(tmp_path):
                pass

    with lock.held(tmp_path):
        pass
