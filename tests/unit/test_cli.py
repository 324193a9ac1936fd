"""The command line: quick, and clear when something is wrong."""

import subprocess
import sys
import types
from pathlib import Path

import click
import pytest

from streamproc import cli
from streamproc.commands import flags
from streamproc.errors import AlreadyRunning, ConfigError, Fenced, KafkaUnavailable

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch, tmp_path):
    """A folder without a streamproc.toml."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def run(capsys):
    """Run a command; gives exit code, output and error output."""

    def call(*arguments):
        with pytest.raises(SystemExit) as end:
            cli.main(arguments)
        return (end.value.code, *capsys.readouterr())

    return call


@pytest.fixture
def verb(monkeypatch):
    """Put a command in the place of `worker`."""

    def place(callback):
        module = types.ModuleType("streamproc.commands.worker")
        module.command = click.Command("worker", callback=callback)
        monkeypatch.setitem(sys.modules, "streamproc.commands.worker", module)

    return place


def test_help_lists_every_verb_without_importing_one(run):
    """Reading what there is must not wait for compilers and brokers."""
    code, out, _ = run("--help")

    assert code == 0
    assert all(name in out for name in cli.VERBS)


def test_starting_imports_nothing_heavy():
    """`streamproc --help` answers at once."""
    heavy = "{'numba', 'numpy', 'torch', 'faust', 'kafka', 'rich', 'pydantic_settings'}"
    code = f"import sys, streamproc.cli; print({heavy} & set(sys.modules) or 'light')"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)

    assert done.stdout == "light\n", done.stderr


@pytest.mark.parametrize("verb_name", sorted(cli.VERBS))
def test_every_verb_has_help(run, verb_name):
    """Each verb loads, and takes the flags that all take."""
    code, out, _ = run(verb_name, "--help")

    assert code == 0
    assert "--data-dir" in out and "--bootstrap-servers" in out and "--config" in out


@pytest.mark.parametrize("before", [True, False])
def test_flags_may_come_before_or_after_the_verb(run, before):
    """Nobody remembers where a global option belongs."""
    given = ("--data-dir", "there", "--bootstrap-servers", "localhost:1")
    code, out, _ = run(*given, "config", "show") if before else run("config", "show", *given)

    assert code == 0
    assert 'data_dir = "there"  # a flag' in out
    assert 'kafka.bootstrap_servers = "localhost:1"  # a flag' in out


def test_flags_are_handed_on_to_child_processes(verb, run):
    """`up` starts its parts with what it was given itself."""
    seen = []
    verb(lambda: seen.extend(flags.current().arguments))

    run("--data-dir", "there", "worker", "--bootstrap-servers", "localhost:1")

    assert seen == ["--data-dir", "there", "--bootstrap-servers", "localhost:1"]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError("unknown field `kafk`"), 2),
        (KafkaUnavailable("127.0.0.1:9", 60), 3),
        (Fenced("another trainer took over"), 4),
        (AlreadyRunning("already up"), 5),
    ],
)
def test_our_own_errors_are_one_line_and_an_exit_code(verb, run, error, code):
    """No traceback: the reader is no programmer of ours."""

    def fail():
        raise error

    verb(fail)

    assert run("worker") == (code, "", f"error: {error}\n")


def test_an_unreachable_kafka_is_named_with_what_to_do():
    """The address is the first thing to check."""
    error = KafkaUnavailable("10.0.0.1:9092", 60, "connection refused")

    assert str(error) == (
        "no Kafka answered at 10.0.0.1:9092 within 60 s (connection refused). "
        "Start it, or set kafka.bootstrap_servers (--bootstrap-servers)"
    )


def test_ctrl_c_is_no_error(verb, run):
    """130, as shells expect it, and not a word."""

    def interrupted():
        raise KeyboardInterrupt

    verb(interrupted)

    assert run("worker")[0] == 130


def test_an_unknown_verb_is_wrong_usage(run):
    """Exit code 2, like every other wrong flag."""
    code, _, err = run("wurker")

    assert code == 2
    assert "No such command 'wurker'" in err


def test_checking_a_wrong_configuration_fails(run, tmp_path):
    """For a deployment's own tests."""
    (tmp_path / "streamproc.toml").write_text("[widow]\n", "utf-8")

    code, _, err = run("config", "check")

    assert code == 2
    assert "unknown field `widow` in streamproc.toml; did you mean `window`?" in err


def test_status_of_nothing_says_so_and_fails(run, tmp_path):
    """A health check can rely on the exit code."""
    code, out, _ = run("status", "--json", "--data-dir", str(tmp_path))

    assert code == 1
    assert '"worker": "not running"' in out
