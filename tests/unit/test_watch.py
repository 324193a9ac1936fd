"""The view of one user, and the record beside it."""

from itertools import count

import pytest
from rich.console import Console

from streamproc.contracts.events import Event
from streamproc.contracts.slates import Gate, ModelStamp, Slate, SlateItem, Trigger
from streamproc.simulate import record
from streamproc.simulate.record import Record
from streamproc.simulate.watch import Watch

METRICS = """
streamproc_prequential_trials_total{model="fusion"} 200.0
streamproc_prequential_trials_total{model="popularity"} 200.0
streamproc_prequential_hits_total{k="1",model="fusion"} 30.0
streamproc_prequential_hits_total{k="20",model="fusion"} 120.0
streamproc_prequential_hits_total{k="20",model="popularity"} 30.0
streamproc_events_consumed_total{topic="journal"} 900.0
"""


@pytest.fixture
def console() -> Console:
    return Console(width=120, record=True, color_system=None)


def slate(*items: tuple[str, list[str]]) -> Slate:
    ranks = count(1)
    return Slate(
        1,
        "e0-1-1",
        "Ada",
        0,
        Trigger("event", "events", 0, 1),
        ModelStamp(1, 1, 0),
        Gate(1.0, 0.0, 0.0),
        [SlateItem(item, 1.0, next(ranks), "markov", because) for item, because in items],
    )


def click(item: str) -> Event:
    return Event(type="view", user_id="Ada", item_id=item, ts=0)


def lines(console: Console) -> list[str]:
    return [" ".join(line.split()) for line in console.export_text().splitlines()]


def test_a_click_is_told_with_the_slate_before_and_after_it(console):
    """What is new, what moved, and the reason of each."""
    watch = Watch("Ada", console.print)
    watch.answered(slate(("kite", []), ("honey", [])))
    console.export_text()

    watch.clicked(click("teapot"))
    watch.answered(slate(("oolong tea", ["teapot"]), ("kite", [])))

    assert lines(console) == [
        "Ada looks at teapot",
        "1 kite -> oolong tea new because of teapot",
        "2 honey -> kite -1 by markov",
    ]


def test_a_slate_that_changes_nothing_without_a_click_is_not_told(console):
    """A refresh that leaves the slate as it is is no news."""
    watch = Watch("Ada", console.print)
    watch.answered(slate(("kite", [])))
    console.export_text()

    watch.answered(slate(("kite", [])))

    assert lines(console) == []


def test_the_record_is_read_from_the_metrics_page():
    """Hits within 20 only, other series left alone."""
    assert record.parse(METRICS) == {"fusion": Record(200.0, 120.0), "popularity": Record(200.0, 30.0)}


def test_recall_is_told_lately_and_over_all():
    """Of 100 predictions since the last look 80 were right; of all 200 120."""
    now = record.parse(METRICS)

    text = record.lines({"fusion": Record(100.0, 40.0)}, now).plain

    assert text.splitlines() == [
        "recall@20  fusion     ################     0.800 lately, 0.600 in all",
        "           popularity ###                  0.150 lately, 0.150 in all",
    ]


def test_without_a_trainer_there_is_no_record(tmp_path):
    """No file, no figures, no error."""
    assert record.read(tmp_path) == {}
