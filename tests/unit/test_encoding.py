"""When a refresh trains an encoder, and that a training which fails takes nothing with it."""

import asyncio
import os
import subprocess
import sys

import numpy as np
import pytest

from streamproc.config import Config, load
from streamproc.contracts.ids import strings
from streamproc.encoder_config import EncoderConfig
from streamproc.errors import ConfigError, EncoderFailed
from streamproc.refresh import encoding
from streamproc.refresh.encoder import apart
from streamproc.refresh.encoder.apart import train_apart
from streamproc.refresh.encoder.deciding import Extent, reason_against
from streamproc.refresh.encoder.message import Report
from streamproc.refresh.encoding import encode, extent, task
from streamproc.refresh.fit import History
from streamproc.refresh.history import JournalHistory

SMALL = {"size": 8, "epochs": 2, "negatives": 16, "newest": 0.1, "length": 8}
RATINGS = Extent(events=20_000, users=500, items=2000, encoded=0, new=20_000)
SESSIONS = RATINGS._replace(users=5000)
SHOP = RATINGS._replace(items=5001)
AUTO, ON = EncoderConfig(enabled="auto"), EncoderConfig(enabled="on")


@pytest.fixture
def child(monkeypatch):
    """Processes find the package as this one does."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))


def walks(users=40, events=60, items=25):
    """Everybody walks over the items in turns; long enough for an encoder."""
    steps = np.arange(events).repeat(users)
    walkers = np.tile(np.arange(users), events)
    taken = (walkers + 3 * steps) % items
    names = strings([b"item %d" % item for item in range(items)])
    return History(
        walkers.astype(np.int32), taken.astype(np.int32), np.ones(taken.size, np.float32), users, names
    )


def config(**encoder):
    return Config(refresh={"encoder": {"enabled": "auto"} | SMALL | encoder})


def failing(monkeypatch, code):
    monkeypatch.setattr(apart, "COMMAND", (sys.executable, "-c", code))


@pytest.mark.parametrize(
    ("settings", "extent", "reason"),
    [
        (AUTO, RATINGS, ""),
        (AUTO, SESSIONS, "4.0 events per user are fewer than 10"),
        (AUTO, SHOP, "5001 items are more than 5000"),
        (ON, SESSIONS, ""),
        (ON, SHOP, ""),
        (EncoderConfig(enabled="off"), RATINGS, "refresh.encoder.enabled is off"),
        (ON, RATINGS._replace(events=1999), "1999 events are fewer than 2000"),
    ],
)
def test_auto_is_for_small_catalogues_with_users_who_stay(settings, extent, reason):
    """Whoever gets none is told why."""
    assert reason_against(extent, settings) == reason


@pytest.mark.parametrize(("new", "reason"), [(2999, "2999 events are new"), (3000, "")])
def test_the_next_training_waits_for_the_history_to_grow(new, reason):
    """By 1.3: an encoder of 10,000 events gives way at 13,000."""
    assert reason_against(RATINGS._replace(encoded=10_000, new=new), AUTO).startswith(reason)


def test_growth_bounds_the_cost_per_event():
    """Looked at after every 100 events: all trainings together saw at most 4.4 times the stream."""
    settings, encoded, last, total = EncoderConfig(enabled="auto", history=50_000), 0, 0, 0
    for seen in range(100, 1_000_000, 100):
        events = min(seen, settings.history)
        if not reason_against(Extent(events, 100, 500, encoded, seen - last), settings):
            encoded, last = events, seen
            total += events
            assert total <= 1.3 / 0.3 * seen + events * 0.05


def test_only_the_newest_events_count():
    """Of 2,400 events by 40 users the last 100 are by 40 users, of 25 items."""
    followed = JournalHistory()
    followed.count_encoder(77, learned_to=0)

    found = extent(walks(), followed, EncoderConfig(history=100))

    assert found == Extent(events=100, users=40, items=25, encoded=77, new=0)
    assert task(walks(), EncoderConfig(history=100), 7).items.tolist() == walks().items[-100:].tolist()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"cell": "lstm", "enabled": "auto"}, "not from cell = lstm: set enabled to off"),
        ({"size": 60}, "multiple of 8"),
        ({"growth": 1.0}, "1.05"),
        ({"dropout": 1.0}, "less than 1"),
        ({"epoch": 3}, "did you mean `epochs`"),
    ],
)
def test_settings_that_cannot_work_stop_the_start(wrong, message):
    """Also a cell that no head could go on from."""
    with pytest.raises(ConfigError, match=message):
        load(None, {"refresh": {"encoder": wrong}})


def test_another_cell_may_be_set_where_nothing_is_served():
    """To compare it."""
    assert load(None, {"refresh": {"encoder": {"cell": "lstm", "enabled": "off"}}})


def test_an_encoder_is_trained_in_a_process_of_its_own(child):
    """Weights come back as if trained here, progress on the way; what was needed for it is gone."""
    told, followed = [], JournalHistory()

    done = asyncio.run(encode(walks(), 0, followed, config(), told.append))

    arrays = done.arrays
    assert done.words.startswith("gru encoder of epoch")
    assert (arrays.embeddings.shape, int(arrays.events[0])) == ((25, 8), 2400)
    assert {progress.epoch for progress in told} == {1, 2}


def test_a_crash_costs_only_the_encoder(monkeypatch):
    """It is told with the last words; the next attempt waits for the history to grow."""
    failing(monkeypatch, "import sys; sys.exit('no room left')")
    followed = JournalHistory()

    done = asyncio.run(encode(walks(), 0, followed, config(), print))

    assert done.arrays is None
    assert done.words == ("no encoder: the process that trains the encoder ended with code 1: no room left")
    assert followed.encoded == 2400
    again = asyncio.run(encode(walks(), 0, followed, config(), print))
    assert "0 events are new since the last one, which is fewer than 720" in again.words


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import os; os.kill(os.getpid(), 9)", "was ended by signal 9: it said nothing"),
        ("pass", "ended with code 0: it said nothing"),
        ("print('hello')", "said what is no report"),
    ],
)
def test_a_process_without_a_report_has_failed(monkeypatch, code, words):
    """As the kernel ends it when memory is short, for example."""
    failing(monkeypatch, code)

    with pytest.raises(EncoderFailed, match=words):
        asyncio.run(train_apart(task(walks(), EncoderConfig(), 7)))


def test_a_process_that_hangs_is_ended(monkeypatch):
    """However little CPU it uses."""
    failing(monkeypatch, "import time; time.sleep(60)")
    monkeypatch.setattr(apart, "START", 0.2)

    with pytest.raises(EncoderFailed, match="longer than"):
        asyncio.run(train_apart(task(walks(), EncoderConfig(seconds=0.01), 7)))


def test_a_refresh_that_is_stopped_stops_its_training(monkeypatch, tmp_path):
    """Nothing is left running or lying about."""
    code = f"import os, time; open({str(tmp_path / 'pid')!r}, 'w').write(f'{{os.getpid()}} '); time.sleep(60)"
    failing(monkeypatch, code)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    async def stop_early():
        training = asyncio.create_task(train_apart(task(walks(), EncoderConfig(), 7)))
        while not (tmp_path / "pid").exists() or " " not in (tmp_path / "pid").read_text("ascii"):
            await asyncio.sleep(0.01)
        training.cancel()
        await asyncio.wait([training])

    asyncio.run(stop_early())

    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text("ascii")), 0)
    assert [path.name for path in tmp_path.iterdir()] == ["pid"]


def test_damaged_weights_are_refused(monkeypatch, child):
    """A file that is no encoder."""
    report = '{"type":"report","cell":"gru","events":1,"recall":0,"mrr":0,"targets":0,'
    report += '"epoch":1,"epochs":1,"stopped":"epochs","seconds":1}'
    code = f"""
import sys, numpy as np
from safetensors.numpy import save_file
save_file({{"encoder_bias": np.zeros(3)}}, sys.argv[1] + "/weights.safetensors")
print('{report}')
"""
    failing(monkeypatch, code)

    with pytest.raises(EncoderFailed, match="cannot be used"):
        asyncio.run(train_apart(task(walks(), EncoderConfig(), 7)))


def test_cells_are_compared_on_the_same_events(monkeypatch):
    """Also those that cannot be served; the settings of their tasks hold, though none may be handed over."""

    async def trained(task, tell):
        settings = EncoderConfig.model_validate_json(task.config.model_dump_json())
        return apart.Encoded((settings.cell, task.items.size), None)

    monkeypatch.setattr(encoding, "train_apart", trained)

    reports = asyncio.run(encoding.compare(walks(), config(), ("gru", "lstm", "attention"), print))

    assert reports == [("gru", 2400), ("lstm", 2400), ("attention", 2400)]


def test_a_report_says_why_it_stopped():
    """In one line for the log."""
    report = Report("gru", 1000, 0.25, 0.08, 50, 2, 3, "seconds", 12.34)

    assert str(report) == (
        "gru encoder of epoch 2 of 3, its time was up: recall@20 0.2500, MRR@20 0.0800"
        " on the newest 50 events, 12.3 s of CPU"
    )


def test_the_refresh_itself_does_without_torch():
    """Its memory is that of the history; only the process that trains needs more."""
    code = "import sys, streamproc.refresh.run; print('torch' in sys.modules)"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)

    assert done.stdout == "False\n", done.stderr
