"""The benchmarks run, and their lines say enough; how fast they are is not tested."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks import cores, registry, result
from benchmarks.__main__ import main
from benchmarks.result import Result, at_least, at_most
from streamproc.config import BrokerConfig, Config, PublishConfig

ROOT = Path(__file__).parents[2]


def lines(*arguments):
    """What `python -m benchmarks` prints, as a process of its own."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "models")])}
    command = [sys.executable, "-m", "benchmarks", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_every_benchmark_is_registered():
    """A module or package with a `run` is one, and each has a line that says what it measures."""
    folder = ROOT / "benchmarks"
    modules = {file.stem: file for file in folder.glob("*.py")}
    packages = {file.parent.name: file for file in folder.glob("*/__init__.py")}
    runs = {name for name, file in (modules | packages).items() if "\ndef run(" in file.read_text()}

    assert runs == set(registry.BENCHMARKS) >= registry.LONG
    assert all(registry.BENCHMARKS.values())


def test_a_quick_run_prints_whole_lines(tmp_path):
    """On the simulated shop; the same line goes to the file."""
    out = tmp_path / "lines.jsonl"

    (line,) = lines("learner", "--quick", "--out", str(out))

    assert json.loads(out.read_text()) == line
    assert (line["benchmark"], line["workload"], line["quick"]) == ("learner", "simulated shop", True)
    assert line["figures"]["events"] == 3000
    assert line["figures"]["recall_at_20"] > line["figures"]["popularity_recall_at_20"]
    assert {"python", "numba", "numpy", "kafka", "faust-streaming"} <= set(line["versions"])
    assert {"cpu", "cores", "memory_gb"} <= set(line["machine"])
    assert line["config"] == result.config_hash(Config())


def test_quality_is_measured_on_the_shop_where_it_is_quick():
    """By both clocks, without refreshes, beside others, and with users who come back; nothing is kept."""
    before = sorted(ROOT.glob("docs/quality.*"))

    told = {line["benchmark"]: line["figures"] for line in lines("quality", "--quick")}

    assert set(told) == {
        "quality/request", "quality/published", "quality/unrefreshed", "quality/baselines",
        "quality/arriving", "quality/returning", "quality/returning unrefreshed",
    }  # fmt: skip
    assert told["quality/request"]["fitted"] >= 1
    assert told["quality/unrefreshed"]["fitted"] == 0
    assert told["quality/request"]["recall_at_20"] > told["quality/baselines"]["popularity/recall_at_20"]
    assert sorted(ROOT.glob("docs/quality.*")) == before


def test_a_set_is_named_together_with_its_benchmark():
    """Alone it says nothing of what is to be done with it."""
    done = CliRunner().invoke(main, ["deskdrop"])

    assert done.exit_code == 2
    assert "name that, too" in done.output


def test_a_goal_is_a_limit_that_may_be_reached():
    """Three times as fast is at least three times as fast."""
    assert at_least("times", 3.0).met({"times": 3.0})
    assert not at_least("times", 3.0).met({"times": 2.999})
    assert at_most("p50", 15.0).met({"p50": 15.0})
    assert not at_most("p50", 15.0).met({"p50": 15.001})


def test_a_line_says_which_goals_were_met():
    """And keeps as many digits as mean something."""
    found = Result(
        "b", "w", Config(), {"times": 3.14159, "rate": 12345.6}, (at_least("times", 3.0),), 0.12345
    )

    line = result.line(found, quick=False)

    assert line["figures"] == {"times": 3.142, "rate": 12346}
    assert line["goals"] == {"times": {"at_least": 3.0, "met": True}}
    assert line["foreign_cpu"] == 0.123


def test_folders_and_ports_do_not_change_the_name_of_the_settings():
    """What is measured does."""
    plain = result.config_hash(Config())

    assert result.config_hash(Config(data_dir=Path("elsewhere"), broker=BrokerConfig(port=0))) == plain
    assert result.config_hash(Config(publish=PublishConfig(min_interval=0.0))) != plain


@pytest.mark.skipif(not cores.PROC.exists(), reason="processor time is read from /proc")
def test_the_work_of_children_is_ours(tmp_path):
    """Running or ended, at any depth; what others do is foreign."""
    before = cores.ours()
    work = "import time\nwhile time.process_time() < 0.3: pass\nprint(flush=True)\nif {wait}: input()"
    nested = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {work.format(wait=1)!r}])"
    process = subprocess.Popen([sys.executable, "-c", nested], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdout.readline()
    running = cores.ours() - before
    process.communicate(b"\n")

    assert running >= 0.25
    assert cores.ours() - before >= running - 0.05
