"""What people get to see of an evaluation: tables, a drawing, a picture, TensorBoard's files."""

import io
import json
import struct

import msgspec
import numpy as np
import pytest
from rich.console import Console
from tensorboardX.proto.event_pb2 import Event

from streamproc import cli
from streamproc.config import Config
from streamproc.errors import ConfigError
from streamproc.evaluate import board
from streamproc.evaluate.curves import STEP
from streamproc.evaluate.drawing import Line, draw, round_up
from streamproc.evaluate.paired import compare
from streamproc.evaluate.picture import paint
from streamproc.evaluate.predictions import Weights
from streamproc.evaluate.report import Figures, report, telling
from streamproc.evaluate.run import Measured
from streamproc.evaluate.story import tell
from streamproc_models import fusion
from tests.learning import learner_of
from tests.predictions import Prediction, predictions


class Fixed:
    """A collector that has these predictions."""

    def __init__(self, found):
        self.predictions = lambda: found


def lines(text):
    return [line.rstrip() for line in text.splitlines()]


@pytest.fixture(scope="module")
def measured():
    """12,000 predictions: the fusion finds every second target, popularity every fourth."""
    given = [
        Prediction(
            fusion=0 if n % 2 else 40,
            popularity=9 if n % 4 == 1 else 99,
            history=1 + n % 25,
            repeats=n % 3 == 0,
        )
        for n in range(12_000)
    ]
    found = predictions(*given)
    told = report(learner_of(Config(), []), 1.0, {}, Fixed(found))
    figures = {"fusion": (0.5,) * 5, "served": (0.5,) * 5, "popularity": (0.2,) * 5, "gru": (0.0,) * 5}
    told = msgspec.structs.replace(
        told, events=12_000, evaluated=12_000, models={name: Figures(*f) for name, f in figures.items()}
    )
    weights = np.arange(fusion.ROWS * fusion.FEATURES, dtype=np.float32).reshape(fusion.ROWS, -1)
    return Measured(told, found, [Weights(5000, weights)])


def seen(told, width):
    """What a terminal of this width shows."""
    console = Console(record=True, width=width, file=io.StringIO(), force_terminal=True, legacy_windows=False)
    tell(told, console)
    return console.export_text()


@pytest.mark.parametrize("width", [80, 120])
def test_the_story_fits_into_a_terminal(measured, width):
    """No line is broken or cut off."""
    text = seen(measured.report, width)

    assert max(map(len, lines(text))) <= width
    assert "…" not in text
    for title in (
        "in the window",
        "20 or more",
        "session's later",
        "most popular 10%",
        "ceiling",
        "popularity",
    ):
        assert title in text


def test_the_fusion_leads_popularity_by_what_was_counted(measured):
    """1 more hit in a quarter of the events, and ranks better by 1 in a quarter, by .9 in another."""
    (row,) = (line.split() for line in lines(seen(measured.report, 80)) if "+0.25" in line)

    assert row == ["popularity", "12,000", "+0.2500", "±", "0.0040", "+0.4750", "±", "0.0043"]


def test_other_runs_stand_under_this_one(measured):
    """With what is left out."""
    other = measured.predictions.only(slice(0, 11_000))
    comparison = compare("without gru", measured.predictions, other)

    text = seen(msgspec.structs.replace(measured.report, comparisons=[comparison]), 80)

    assert "without gru     0.5000  +0.0000 ± 0.0000" in text
    assert "left out: 1,000 events that only this run predicted, 0 only without gru" in text


def test_models_that_say_nothing_are_passed_over(measured):
    """One that was never right, and the fusion under another name."""
    assert telling(measured.report) == ["fusion", "popularity"]


def test_a_stream_too_short_for_a_curve_has_tables_only(measured):
    """One point is no line, and nothing at all is no story."""
    short = msgspec.structs.replace(measured.report, curve=measured.report.curve[:1])

    assert "along the stream" not in seen(short, 80)
    assert seen(msgspec.structs.replace(measured.report, evaluated=0), 80) == ""


def test_a_drawing_by_hand():
    """From 0 up to 1 in ten characters: dots 0, 0, 0, 1, 1, 2, 2, 2, 3, 3, 4, 4, 5, 5, 5, 6, 6, 7, 7, 7."""
    drawn = draw([Line("up", np.array([0.0, 1.0]), np.array([0.0, 1.0]), "")], 6 + 1 + 10 + 3, 2, "events")

    assert lines(drawn.plain) == [
        "1.000 ┤     ⣀⠤⠔⠊⠉ up",
        "0.500 ┤⣀⡠⠔⠒⠉",
        "0.000 └──────────",
        "       events",
    ]


def test_labels_of_lines_that_end_together_stand_under_each_other():
    """The upper one first."""
    x = np.array([0.0, 1.0])
    ends = {"low": 0.50, "high": 0.52, "middle": 0.51, "floor": 0.0}
    drawn = draw([Line(name, x, np.array([1.0, end]), "") for name, end in ends.items()], 60, 6, "")

    rows = {name: row for row, line in enumerate(lines(drawn.plain)) for name in ends if line.endswith(name)}
    assert rows["high"] + 1 == rows["middle"] == rows["low"] - 1
    assert rows["floor"] == 5


@pytest.mark.parametrize(
    ("value", "top"), [(0.0, 1), (0.03, 0.04), (0.5, 0.5), (0.51, 0.6), (0.93, 1), (1, 1)]
)
def test_an_axis_ends_at_a_round_number(value, top):
    """The next one."""
    assert round_up(value) == pytest.approx(top)


def size_of_png(path):
    """Width and height in pixels."""
    head = path.read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", head[16:24])


def test_the_picture_is_a_page(measured, tmp_path):
    """Also of a stream that has a single point, and of none."""
    for name, told in {
        "whole": measured.report,
        "point": msgspec.structs.replace(measured.report, curve=measured.report.curve[:1]),
        "empty": report(learner_of(Config(), []), 1.0, {}),
    }.items():
        paint(told, tmp_path / f"{name}.png")

        assert size_of_png(tmp_path / f"{name}.png") == (1560, 1080)
    assert (tmp_path / "whole.png").stat().st_size > 20_000


def scalars(folder):
    """{tag: {step: value}} of the one event file in a folder."""
    (path,) = folder.glob("events.out.tfevents.*")
    data, at, found = path.read_bytes(), 0, {}
    while at < len(data):
        (length,) = struct.unpack_from("<Q", data, at)
        event = Event.FromString(data[at + 12 : at + 12 + length])
        for value in event.summary.value:
            found.setdefault(value.tag, {})[event.step] = value.simple_value
        at += 12 + length + 4
    return found


def test_tensorboard_gets_curves_gate_and_weights(measured, tmp_path):
    """Every figure at the number of its first event."""
    board.export(measured, tmp_path, "this")

    found = scalars(tmp_path / "this")
    assert found["recall_at_20/fusion"] == {0: 0.5, STEP: 0.5, 2 * STEP: 0.5}
    assert found["gate/short_term"][STEP] == 0.5
    second = fusion.BUCKETS.index("history_2_4") * fusion.FEATURES
    assert found["weights_history_2_4/covisitation_log"] == {5000: float(second)}


def test_a_folder_that_holds_a_run_is_refused(measured, tmp_path):
    """Before anything is evaluated."""
    board.check_free(tmp_path, "this")
    board.export(measured, tmp_path, "this")

    board.check_free(tmp_path, "without gru")
    with pytest.raises(ConfigError, match="holds a run already"):
        board.check_free(tmp_path, "this")


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    """Runs `evaluate` on a small file in a folder of its own; gives exit code, output and errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.setenv(name, "1")
    events = [
        {
            "type": "click",
            "user_id": f"user {n % 5}",
            "item_id": f"item {n * n % 7}",
            "ts": 1_000_000 + 1000 * n,
        }
        for n in range(300)
    ]
    (tmp_path / "clicks.jsonl").write_text("\n".join(map(json.dumps, events)), "utf-8")

    def call(*arguments):
        with pytest.raises(SystemExit) as end:
            cli.main(["evaluate", *arguments])
        return (end.value.code, *capsys.readouterr())

    return call


def test_one_command_tells_it_all(run, tmp_path):
    """Tables, a picture, a folder for each run."""
    (tmp_path / "other.toml").write_text("[fusion]\nrate = 0.01\n", "utf-8")
    outputs = ("--plot", "page.png", "--tensorboard", "board")

    code, out, _ = run("clicks.jsonl", "--ablate", "gru,markov", "--against", "other.toml", *outputs)

    assert code == 0
    assert "295 of 300 events predicted" in out
    runs = ["this", "without gru", "without markov", "other.toml"]
    assert [line.split("  ")[0] for line in lines(out)[-4:]] == runs
    assert size_of_png(tmp_path / "page.png") == (1560, 1080)
    assert {folder.name for folder in (tmp_path / "board").iterdir()} == set(runs)


def test_programs_get_the_same_as_json(run):
    """What was there before, and the story."""
    code, out, _ = run("clicks.jsonl", "--json", "--clock", "request", "--ablate", "covisitation")

    told = json.loads(out)
    assert code == 0
    assert {"events", "evaluated", "events_per_second", "models"} <= told.keys()
    assert (told["clock"], told["evaluated"]) == ("request", 295)
    assert told["segments"]["history"].keys() == {"1", "2-4", "5-19", "20+"}
    assert sum(part["events"] for part in told["segments"]["popularity"].values()) == 295
    assert told["fusion_against"]["popularity"]["recall_at_20"].keys() == {"mean", "standard_error"}
    assert (
        told["curve"][0]["figures"]["models"]["fusion"]
        == told["segments"]["session"]["later"]["models"]["fusion"]
    )
    assert [each["name"] for each in told["comparisons"]] == ["without covisitation"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--ablate", "grru"], "no head is called 'grru'"),
        (["--plot", "page.jpg"], "page.jpg cannot be written"),
        (["--plot", "nowhere/page.png"], "nowhere/page.png cannot be written"),
        (["--clock", "wall"], "'wall' is not one of"),
        (["--against", "missing.toml"], "missing.toml"),
    ],
)
def test_a_wrong_flag_is_named_before_the_work(run, arguments, message):
    """Not after ten minutes."""
    code, _, err = run("clicks.jsonl", *arguments)

    assert code == 2
    assert message in err
