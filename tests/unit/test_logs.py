"""The log: one line for each step of a part's life, that programs can read and people too."""

import io
import json
import logging
import os
import re
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import pytest

from streamproc import cli
from streamproc.config import Config, load
from streamproc.errors import Fenced
from streamproc.log_lines import plain
from streamproc.logs import get_logger, logging_as
from streamproc.pseudonyms import Pseudonyms

ROOT = Path(__file__).parents[2]
FOLDERS = ("streamproc", "models")
USER = "anna.example@mail.test"
KEY = "a-key-of-many-machines"


class Terminal(io.StringIO):
    """What people look at."""

    def isatty(self):
        return True


@pytest.fixture
def config(tmp_path):
    return load(None, {"data_dir": str(tmp_path)})


def keyed(config, key=KEY):
    return Config.model_validate(config.model_dump() | {"logs": {"user_key": key}})


def logged(config, work, part="worker"):
    """The lines that `work` makes, as fields, without the first and last of the part's life."""
    stream = io.StringIO()
    with logging_as(part, config, stream):
        work()
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [lines[0]["event"], lines[-1]["event"]] == ["starts", "stopped in order"]
    return lines[1:-1]


def ours():
    return get_logger("streamproc.kafka.desk")


def test_a_line_is_one_object_that_says_who_when_and_what(config):
    """Whatever is in it, in an order that can be read."""
    [line] = logged(config, lambda: ours().warning("a partition starts over", topic="a\nb", offset=3))

    timestamp, pid = line.pop("timestamp"), line.pop("pid")
    assert timestamp.endswith("Z") and pid == os.getpid()
    assert line == {
        "level": "warning",
        "part": "worker",
        "logger": "streamproc.kafka.desk",
        "event": "a partition starts over",
        "topic": "a\nb",
        "offset": 3,
    }


def test_people_read_words(config):
    """And nothing in them moves their cursor or fakes a line."""
    stream = Terminal()
    with logging_as("worker", config, stream):
        ours().info("a partition is served", topic="events\x1b[2J\nfake", partition=2)

    [line] = [line for line in stream.getvalue().splitlines() if "served" in line]
    assert "a partition is served" in line
    assert "\\x1b[2J\\nfake" in line
    assert "{" not in line


@pytest.mark.parametrize(("form", "stream"), [("json", Terminal()), ("text", io.StringIO())])
def test_the_look_can_be_told(config, form, stream):
    """Whatever is at the other end."""
    asked = Config.model_validate(config.model_dump() | {"logs": {"format": form}})

    with logging_as("worker", asked, stream):
        ours().info("a partition is served", partition=2)

    assert [line.startswith("{") for line in stream.getvalue().splitlines()] == [form == "json"] * 3
    assert "\x1b" not in stream.getvalue()


def test_a_user_is_a_keyed_hash(config):
    """The same in every part with the same key, another with another, and never the id."""
    first, second, other = (
        logged(settings, lambda: ours().info("a user was met", user_id=USER))[0]
        for settings in (keyed(config), keyed(config), keyed(config, KEY[::-1]))
    )

    assert first["user"] == second["user"] == Pseudonyms(KEY.encode()).hash(USER)
    assert other["user"] != first["user"]
    assert len(first["user"]) == 16
    assert USER not in json.dumps([first, second, other])


def test_a_hash_is_worked_out_as_anybody_can():
    """HMAC-SHA256, by a reckoning of its own: the first 8 bytes of the digest that RFC 4231 gives."""
    assert Pseudonyms(b"Jefe").hash("what do ya want for nothing?") == "5bdcc146bf60754e"


def test_without_a_given_key_the_data_folder_has_one(config):
    """For its owner alone, and the same for parts that ask at the same time."""
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(Pseudonyms.of(config).hash(USER))) for _ in "abcd"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    file = config.data_dir / "logs" / "users.key"
    assert len(set(found)) == 1 and len(found) == 4
    assert (file.stat().st_mode & 0o777, len(file.read_bytes())) == (0o600, 32)
    assert [each.name for each in file.parent.iterdir()] == ["users.key"]


def test_a_folder_that_takes_no_key_costs_no_line(tmp_path):
    """Logging never fails; the hash then holds for this process."""
    (tmp_path / "logs").write_text("a file is in the way")
    pseudonyms = Pseudonyms.of(load(None, {"data_dir": str(tmp_path)}))

    assert pseudonyms.hash(USER) == pseudonyms.hash(USER) != Pseudonyms(KEY.encode()).hash(USER)


def test_libraries_speak_through_the_same_door_and_do_not_repeat_themselves(config):
    """A Kafka client tells every tenth of a second that nobody is there."""

    def work():
        for attempt in range(50):
            logging.getLogger("aiokafka.conn").warning("Unable to connect to %s", attempt)
        logging.getLogger("aiokafka.conn").info("nobody needs to know")
        warnings.warn("this will go away", DeprecationWarning, stacklevel=1)

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        told = logged(config, work)

    assert [(line["logger"], line["level"]) for line in told] == [
        ("aiokafka.conn", "warning"),
        ("py.warnings", "warning"),
    ]
    assert told[0]["event"] == "Unable to connect to 0"


def test_our_own_lines_are_never_left_out(config):
    """However often."""
    assert len(logged(config, lambda: [ours().info("again") for _ in range(5)])) == 5


def test_an_error_of_ours_is_the_last_line_and_the_exit_code(config):
    """A supervisor shows that line."""
    stream = io.StringIO()
    with pytest.raises(SystemExit) as end, logging_as("trainer", config, stream):
        raise Fenced("another trainer has taken over", "Leave this one stopped")

    last = stream.getvalue().splitlines()[-1]
    assert end.value.code == 4
    assert json.loads(last)["level"] == "critical"
    assert plain(last) == (
        'ends by an error error="another trainer has taken over. Leave this one stopped" kind=Fenced code=4'
    )


def test_an_unexpected_error_brings_its_place_but_no_values(config):
    """Variables may be secrets."""
    stream = io.StringIO()
    with pytest.raises(SystemExit), logging_as("trainer", config, stream):
        password = "the-sentinel-0147"
        raise RuntimeError(f"of {len(password)} characters")

    last = json.loads(stream.getvalue().splitlines()[-1])
    assert "RuntimeError: of 17 characters" in last["exception"]
    assert "test_logs.py" in last["exception"]
    assert "the-sentinel-0147" not in stream.getvalue().replace('password = "the-sentinel-0147"', "")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_ends_by_an_error_is_told(config):
    """Python itself would print it past the log."""

    def work():
        thread = threading.Thread(target=lambda: 1 / 0)
        thread.start()
        thread.join()

    [line] = logged(config, work)

    assert (line["event"], line["level"]) == ("a thread ends by an error", "critical")
    assert "ZeroDivisionError" in line["exception"]


@pytest.mark.parametrize(("level", "told"), [("debug", 3), ("info", 2), ("error", 1)])
def test_how_much_is_told_can_be_set(config, level, told):
    """From a level on."""
    settings = Config.model_validate(config.model_dump() | {"logs": {"level": level}})
    stream = io.StringIO()

    with logging_as("worker", settings, stream):
        ours().debug("a"), ours().info("b"), ours().error("c")

    told_here = [json.loads(line)["event"] for line in stream.getvalue().splitlines()]
    assert len([event for event in told_here if event in "abc"]) == told


def test_what_was_set_up_before_is_back_afterwards(config):
    """Tests, and programs that use parts of us, have logs of their own."""
    root = logging.getLogger()
    before = root.handlers, root.level, threading.excepthook

    logged(config, lambda: None)

    assert (root.handlers, root.level, threading.excepthook) == before


def test_without_a_part_a_line_is_plain_words(caplog):
    """As for the commands that people run, whose own output must not be mixed with ours."""
    ours().warning("a partition starts over", topic="events", error=ValueError("no"), user_id=USER)

    assert "a partition starts over topic=events error=ValueError('no') user=" in caplog.text
    assert USER not in caplog.text


def test_logs_are_shown_in_words_in_the_order_of_time(config, capsys):
    """Of all parts; with --user only what is about one."""
    folder = config.data_dir / "logs"
    folder.mkdir()
    for part in ("trainer", "worker"):
        with (folder / f"{part}.log").open("w") as stream, logging_as(part, config, stream):
            ours().warning("events are set aside", user_id=f"of {part}", offset=7)
    (folder / "broker.log").write_text("in words of its own\n")

    said = []
    for user in ((), ("--user", "of worker")):
        with pytest.raises(SystemExit):
            cli.main(["--data-dir", str(config.data_dir), "logs", *user])
        said.append(capsys.readouterr().out.splitlines())

    assert len(said[0]) == 6
    times = [line.split()[0] for line in said[0]]
    assert times == sorted(times)
    [line] = said[1]
    assert "warning  worker  events are set aside offset=7 user=" in line


def test_there_is_one_place_that_sets_logging_up():
    """And one way to a logger: whoever goes past it would not be JSON, or would tell who a user is."""
    found = [
        f"{file.relative_to(ROOT)}: {name}"
        for folder in FOLDERS
        for file in sorted((ROOT / folder).rglob("*.py"))
        for name in ("logging.getLogger", "basicConfig", "dictConfig", "structlog.get_logger", "addHandler")
        if name in file.read_text("utf-8") and file.name != "logs.py"
    ]

    assert found == []


def test_runbooks_look_for_what_is_logged():
    """A sentence that is changed in the code has to be changed there, too."""
    code = "".join(file.read_text("utf-8") for file in (ROOT / "streamproc").rglob("*.py"))
    looked_for = [
        text
        for page in sorted((ROOT / "docs" / "runbooks").glob("*.md"))
        for text in re.findall(r'^grep.* "(.+)" .*logs/', page.read_text("utf-8"), re.MULTILINE)
    ]

    assert len(looked_for) >= 2
    assert [text for text in looked_for if text not in code] == []


def test_a_part_says_where_kafka_is_missing_as_json():
    """A whole process: every line on stderr is one object, the last says what to do."""
    arguments = ["--bootstrap-servers", "127.0.0.1:1", "refresh"]
    environment = os.environ | {"STREAMPROC_KAFKA__CONNECT_TIMEOUT": "0.2"}

    done = subprocess.run(
        [sys.executable, "-m", "streamproc.cli", *arguments],
        capture_output=True, text=True, cwd=ROOT, env=environment, timeout=60,
    )  # fmt: skip

    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert done.returncode == 3
    assert [lines[0]["event"], lines[-1]["event"]] == ["starts", "ends by an error"]
    assert {line["part"] for line in lines} == {"refresh"}
    assert "no Kafka answered at 127.0.0.1:1" in lines[-1]["error"]
