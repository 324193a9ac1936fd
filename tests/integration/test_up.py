"""`streamproc up`, as a user runs it: a process of its own with a Kafka of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from streamproc.up.scrape import scrape

pytestmark = pytest.mark.kafka

ROOT = Path(__file__).parents[2]
PARTS = ("worker", "trainer", "refresh")
STOP_WITHIN = 15.0  # seconds, promised


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Callable[[], "subprocess.Popen[str]"]]:
    """Starts `streamproc up` on the test's folder; whatever still runs at the end is killed."""
    started = []

    def start() -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-m", "streamproc.cli", "up", "--data-dir", str(tmp_path / "data")],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'models'}", "STREAMPROC_BROKER__PORT": "0"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def wait_until(true: Callable[[], bool], seconds: float, what: str) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, f"not within {seconds:g} s: {what}"
        time.sleep(0.1)


def wait_ready(process: "subprocess.Popen[str]", data_dir: Path) -> None:
    """Until every part says so itself."""

    def ready() -> bool:
        assert process.poll() is None, process.communicate()[0]
        samples = scrape(data_dir)
        return all(samples.highest(part, "ready") for part in PARTS)

    wait_until(ready, 90.0, "all parts are ready")


def pid_of(data_dir: Path, part: str) -> int | None:
    try:
        return int(json.loads((data_dir / "run" / f"{part}.json").read_text())["pid"])
    except FileNotFoundError:
        return None


def processes(data_dir: Path) -> list[str]:
    """Command lines of all processes that were given this folder."""
    lines = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(file.read_text().replace("\0", " "))
        except OSError:
            continue
    return [line for line in lines if str(data_dir) in line]


def test_up_runs_every_part_and_leaves_none_behind(up, tmp_path):
    """Started, a dead part replaced, a second `up` refused, stopped within the promised time."""
    data_dir = tmp_path / "data"
    first = up()
    wait_ready(first, data_dir)

    second = up()
    refusal, _ = second.communicate(timeout=30.0)
    assert second.returncode == 5
    assert f"streamproc is already up on {data_dir} (process {first.pid})" in refusal

    killed = pid_of(data_dir, "worker")
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: pid_of(data_dir, "worker") not in (killed, None), 60.0, "the worker is started again")

    first.send_signal(signal.SIGTERM)
    told, _ = first.communicate(timeout=STOP_WITHIN)
    assert first.returncode == 0
    assert "worker was killed by signal 9" in told
    assert processes(data_dir) == []


def test_a_killed_up_leaves_nothing_behind_and_can_be_started_again(up, tmp_path):
    """The kernel ends what the supervisor no longer can."""
    data_dir = tmp_path / "data"
    first = up()
    wait_ready(first, data_dir)

    first.kill()
    first.wait()
    wait_until(lambda: processes(data_dir) == [], 10.0, "every part has ended")

    wait_ready(up(), data_dir)
