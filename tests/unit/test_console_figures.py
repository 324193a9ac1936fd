"""The console's figures: growth of counters, leads with their band, marks, and how numbers are written."""

import pytest

from streamproc.clock import ManualClock
from streamproc.scrape import Sample, Samples
from streamproc.server.console import about, curves, drawing, frame, marks, model, overview
from streamproc.server.console.words import moment, named, seconds, share, short, size
from streamproc.server.points import KEPT
from streamproc.server.sampling import History, key
from tests import serving

TRIALS, HITS = "prequential_trials_total", "prequential_hits_total"


def samples(trials: float, hits: float, popular: float = 0.0, promoted: float = 0.0) -> Samples:
    """What a trainer answers."""
    return Samples(
        [
            Sample("trainer", TRIALS, {"model": "fusion"}, trials),
            Sample("trainer", TRIALS, {"model": "popularity"}, trials),
            Sample("trainer", HITS, {"model": "fusion", "k": "20"}, hits),
            Sample("trainer", HITS, {"model": "popularity", "k": "20"}, popular),
            Sample("trainer", "batch_promotions_total", {"result": "promoted"}, promoted),
            Sample("trainer", "ready", {}, 1.0),
        ]
    )


@pytest.fixture
def clock():
    return ManualClock(1_000_000)


@pytest.fixture
def history(tmp_path, clock):
    """Two looks, ten seconds apart: 100 events were predicted, 40 of them among the twenty."""
    made = History(tmp_path, [], clock)
    made.take(samples(1000, 300, 100))
    clock.advance(10.0)
    made.take(samples(1100, 340, 110))
    return made


def test_what_was_lately_is_the_growth_between_two_looks(history):
    """40 of 100, 10 a second; what was before the first look does not count."""
    ratios = history.ratios(
        60.0, key("trainer", HITS, model="fusion", k="20"), key("trainer", TRIALS, model="fusion")
    )

    assert history.increase(60.0, "trainer", TRIALS, model="fusion") == 100
    assert history.rate(60.0, "trainer", TRIALS, model="fusion") == 10.0
    assert ratios == [(1010.0, 0.4)]


def test_a_process_that_counts_anew_is_no_negative_growth(history, clock):
    """It was started again."""
    clock.advance(10.0)
    history.take(samples(5, 1))

    assert history.increase(5.0, "trainer", TRIALS, model="fusion") == 0
    assert history.rate(5.0, "trainer", TRIALS, model="fusion") == 0


def test_the_lead_has_a_band(history):
    """.4 against .1 of 100 each: .3 ahead, standard error sqrt(.24 / 100 + .09 / 100) = .0574."""
    found = overview.lead(history, "popularity")

    assert found is not None
    assert found.value == pytest.approx(0.3)
    assert found.error == pytest.approx(0.0574, abs=1e-4)
    assert overview.lead(history, "shadow") is None


def test_a_shadow_is_compared_on_the_events_of_its_trial(history, clock):
    """Before it came, the fusion had 40 of 100; then 30 of 50, and the shadow 20. It ended soon after."""
    for trials, hits, tried, right in ((1150, 370, 50, 20), (1250, 470, 60, 30)):
        clock.advance(10.0)
        shadow = [
            Sample("trainer", TRIALS, {"model": "shadow"}, tried),
            Sample("trainer", HITS, {"model": "shadow", "k": "20"}, right),
        ]
        history.take(Samples([*samples(trials, hits), *shadow]))

    found = overview.lead(history, "shadow")

    assert found is not None
    assert (found.value, found.trials) == (pytest.approx(0.6 - 0.4), 50)


def test_the_last_refresh_is_compared_from_its_promotion_on(history, clock):
    """Before, the long-term head is asked as well, and knows nothing: that would be a lead over nothing."""
    for trials, hits, lasting, generation in ((1200, 380, 0, 0), (1300, 420, 0, 1), (1400, 480, 20, 1)):
        clock.advance(10.0)
        frozen = [
            Sample("trainer", TRIALS, {"model": "long_term"}, trials),
            Sample("trainer", HITS, {"model": "long_term", "k": "20"}, lasting),
            Sample("trainer", "model_generation", {}, generation),
        ]
        history.take(Samples([*samples(trials, hits), *frozen]))
        if not generation:
            assert overview.lead(history, "long_term", there=overview.GENERATION) is None

    found = overview.lead(history, "long_term", there=overview.GENERATION)

    assert found is not None
    assert (found.value, found.trials) == (pytest.approx(0.6 - 0.2), 100)


def test_a_promotion_leaves_a_mark(history, clock):
    """At the time of the look that saw it, once."""
    for promoted in (1.0, 1.0):
        clock.advance(2.0)
        history.take(samples(1200, 400, promoted=promoted))

    assert [(mark.at, mark.what) for mark in history.marks] == [(1012.0, "promoted")]


def test_whatever_happens_leaves_a_mark_that_is_explained(history, clock):
    """A refresh, what became of a generation, a return, a drift, shed load: each once, in its colour."""
    happened = [
        Sample("trainer", "batch_promotions_total", {"result": "rejected"}, 1),
        Sample("trainer", "batch_promotions_total", {"result": "rolled_back"}, 1),
        Sample("trainer", "drift_detections_total", {"detector": "adwin", "signal": "hits"}, 1),
        Sample("refresh", "batch_seconds_count", {}, 1),
    ]
    before = [sample._replace(value=0.0) for sample in happened]
    every = [Sample("trainer", "prediction_interval_events", {}, number) for number in (1, 16, 1)]
    for now in ([*before, every[0]], [*happened, every[1]], [*happened, every[1]]):
        clock.advance(2.0)
        history.take(Samples([*samples(1100, 340), *now]))
    history.take(Samples([*samples(1100, 340, promoted=1.0), *happened, every[2]]))

    assert {mark.what for mark in history.marks} == marks.KINDS.keys()
    assert len(history.marks) == len(marks.KINDS)
    drawn = curves.lines({"fusion": [(1.0, 0.5)]}, history.marks)["series"][0]["markLine"]["data"]
    for kind, (colour, text) in marks.KINDS.items():
        assert colour in marks.legend() and text in marks.legend()
        assert [line["lineStyle"]["color"] for line in drawn if line["name"] == named(kind)] == [colour]


def test_memory_is_bounded(tmp_path, clock):
    """Half an hour of looks."""
    history = History(tmp_path, [], clock)
    for _ in range(KEPT + 10):
        clock.advance(2.0)
        history.take(samples(1, 1))

    assert len(history.points) == KEPT


def test_the_drawing_names_every_box_and_escapes(history):
    """Also where nothing runs but the trainer."""
    picture = drawing.draw(history, serving.state())

    for name in ("events", "worker", "journal", "trainer", "model", "slates", "refresh"):
        assert f">{name}</text>" in picture
    assert drawing.health(history, "trainer") == "good"
    assert drawing.health(history, "worker") == "bad"


def test_what_comes_from_the_stream_cannot_become_a_part_of_the_page():
    """An item may be called anything."""
    table = frame.rows(["item"], [["<script>alert(1)</script>"]], "")

    assert "<script>" not in table and "&lt;script&gt;" in table
    assert "<b>" not in frame.rows([], [], "<b>")


def test_everything_shown_is_explained():
    """In a sentence of its own."""
    assert all(text.endswith(".") and len(text) > 20 for text in about.ABOUT.values())
    assert {*overview.FIGURES, *model.FIGURES} <= about.ABOUT.keys()


def test_curves_keep_their_colours_and_marks(history):
    """The same model is the same colour on every page."""
    options = curves.lines({"fusion": [(1.0, 0.5)], "gru": [(1.0, None)]}, history.marks)

    assert [line["name"] for line in options["series"]] == ["fusion", "GRU"]
    assert options["series"][0]["itemStyle"]["color"] == curves.COLOURS["fusion"]
    assert options["series"][0]["data"] == [[1000.0, 0.5]]


@pytest.mark.parametrize("drawn", [curves.lines({}), curves.lines({"gru": []}), curves.bars(["a"], [0], "")])
def test_where_there_is_nothing_to_draw_it_says_what_to_do(drawn):
    """An empty field looks broken."""
    assert drawn == curves.empty() and "send events" in drawn["title"]["text"]


@pytest.mark.parametrize(
    ("value", "written"), [(None, "-"), (0.0075, "8 ms"), (12, "12 s"), (600, "10 min"), (86_400 * 3, "3 d")]
)
def test_a_time_is_written_in_the_unit_that_fits(value, written):
    """Two digits tell enough."""
    assert seconds(value) == written


def test_the_day_is_left_out_where_it_is_today():
    """Narrow tables have no room for it."""
    day, now = 86_400_000, 86_400_000 + 3_600_000

    assert moment(day + 61_000, now) == "00:01:01"
    assert moment(day - 1000, now) == "1970-01-01 23:59:59"


def test_numbers_are_written_shortly():
    """With the unit that fits, or a dash where nothing is known."""
    assert [short(None), short(3.25), short(950), short(23_400), short(2.5e6)] == [
        "-",
        "3.2",
        "950",
        "23.4k",
        "2.5M",
    ]
    assert [share(None), share(0.1234), share(1.0)] == ["-", ".123", "1.000"]
    assert [size(None), size(12), size(2_300_000)] == ["-", "12 B", "2.3 MB"]
