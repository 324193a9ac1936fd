"""Predict, then learn, on streams so small that every figure can be counted by hand."""

import io
import json
import types

import msgspec
import pytest
from rich.console import Console

from streamproc.config import Config, RulesConfig
from streamproc.contracts.control import Promote
from streamproc.contracts.journal import Reader, pack_control, pack_events
from streamproc.engine.learner import Learner
from streamproc.evaluate import journal
from streamproc.evaluate.run import evaluate, report
from streamproc.evaluate.table import show
from tests.event_columns import columns
from tests.learning import learner_of, next_items, packed_generation

CONFIG = Config()
FIGURES = {"recall_at_1", "recall_at_10", "recall_at_20", "mrr_at_20", "ndcg_at_20"}


def event(user, item, second, **more):
    """One line of a file."""
    return json.dumps(
        {"user_id": user, "item_id": item, "type": "click", "ts": 1000 * second} | more
    ).encode()


def stream():
    """Ann has tea, bob has tea, ann has a cup, ann has tea again, bob has a cup."""
    taken = [("ann", "tea"), ("bob", "tea"), ("ann", "cup"), ("ann", "tea"), ("bob", "cup")]
    return [event(user, item, 1000 + second) for second, (user, item) in enumerate(taken)]


@pytest.fixture(scope="module")
def found():
    return evaluate(CONFIG, [stream()])


def test_every_event_of_a_known_user_is_predicted(found):
    """Three of five: ann's second and third, bob's second."""
    assert (found.events, found.evaluated) == (5, 3)
    assert (found.users, found.items) == (2, 2)
    assert found.not_learned == {}


def test_popularity_counts_as_by_hand(found):
    """The cup is new: a miss. Tea is first of two by then, the cup second."""
    assert found.models["popularity"].recall_at_1 == pytest.approx(1 / 3)
    assert found.models["popularity"].recall_at_20 == pytest.approx(2 / 3)
    assert found.models["popularity"].mrr_at_20 == pytest.approx((0 + 1 + 1 / 2) / 3)


def test_history_counts_as_by_hand(found):
    """Ann's tea was one step back, behind the cup; bob's cup is not in his window."""
    assert found.models["history"].recall_at_1 == 0
    assert found.models["history"].recall_at_20 == pytest.approx(1 / 3)
    assert found.models["history"].mrr_at_20 == pytest.approx(1 / 2 / 3)


def test_markov_and_co_visitation_count_as_by_hand(found):
    """After ann's tea came a cup: bob's cup is first. After her cup nothing came, but backward tea did."""
    assert found.models["markov"].recall_at_1 == pytest.approx(1 / 3)
    assert found.models["markov"].recall_at_20 == pytest.approx(1 / 3)
    assert found.models["covisitation"].recall_at_20 == pytest.approx(2 / 3)


def test_the_fusion_is_asked_as_often_as_each_head(found):
    """Twice it had the target among its candidates, and with two of them it is always within ten."""
    assert found.models["fusion"].recall_at_10 == pytest.approx(2 / 3)
    assert found.models["fusion"] == found.models["served"]
    assert "shadow" not in found.models


def test_the_report_has_the_fields_that_were_promised(found):
    """As one JSON object; further fields may be there, these must."""
    told = json.loads(msgspec.json.encode(found))

    assert {"events", "evaluated", "events_per_second", "models"} <= told.keys()
    assert told.keys() == set(type(found).__struct_fields__)
    assert {"fusion", "popularity"} <= told["models"].keys()
    assert all(figures.keys() == FIGURES for figures in told["models"].values())


def test_what_is_refused_is_counted_by_its_reason_and_not_learned():
    """Not JSON, a repeated id, an ignored type, one that is late by a day."""
    lines = [
        event("ann", "tea", 100_000, event_id="a"),
        b"{",
        event("ann", "cup", 100_001, event_id="a"),
        event("ann", "cup", 100_001, type="impression"),
        event("ann", "cup", 10),
    ]

    found = evaluate(CONFIG, [lines])

    assert found.events == 1
    assert found.not_learned == {"not_json": 1, "duplicate": 1, "ignored": 1, "late": 1}


def test_with_nothing_twice_only_first_time_pairs_count():
    """Ann's second tea is learned, but nobody is asked for it."""
    found = evaluate(Config(rules=RulesConfig(exclude_seen=True)), [stream()])

    assert (found.events, found.evaluated) == (5, 2)
    assert found.models["history"].recall_at_20 == 0


def test_figures_do_not_depend_on_the_batches(found):
    """Line by line, all the same."""
    single = evaluate(CONFIG, [[line] for line in stream()])

    assert single.models == found.models
    assert (single.coverage, single.gate) == (found.coverage, found.gate)


def test_the_story_is_told_of_the_same_events(found):
    """One of three predictions was of a new item; tea and the cup were shown, the cup less often."""
    assert found.clock == "published"
    assert found.candidate_recall == pytest.approx(2 / 3)
    assert {kind: sum(each.events for each in parts.values()) for kind, parts in found.segments.items()} == {
        "item": 3, "history": 3, "session": 3, "popularity": 3, "since_item": 3, "since_own": 3,
    }  # fmt: skip
    assert found.segments["popularity"]["unseen"].events == 1
    assert found.fusion_against["served"].recall_at_20.mean == 0
    assert len(found.curve) == 1
    assert 0 < found.gini < 0.5
    assert found.comparisons == ()


def test_coverage_and_gate_are_shares(found):
    """Both items were on a slate; for ann's first one nothing spoke yet, so two of three have a gate."""
    assert found.coverage == 1.0
    assert sum(found.gate.values()) == pytest.approx(2 / 3)
    assert found.generation == 0


def test_nothing_gives_a_report_of_nothing():
    """No division by zero."""
    found = evaluate(CONFIG, [])

    assert (found.events, found.evaluated, found.coverage, found.models) == (0, 0, 0.0, {})


def test_a_journal_is_learned_with_the_decisions_in_it():
    """Events, a generation and its promotion, as recorded; a record that comes twice counts once."""
    record = pack_events(0, -1, 1, columns([("user 1", "item 1"), ("user 1", "item 2")]))
    decision = [pack_control(Promote(1, 0.5, 0.4))]
    learner, reader = Learner(CONFIG, 1), Reader()

    for value in [record, record, *packed_generation(next_items(4)), *decision]:
        journal.follow(learner, reader, value)

    told = report(learner, 1.0, {})
    assert (told.events, told.evaluated, told.generation, reader.stale) == (2, 1, 1, 1)


async def test_the_whole_journal_is_told_with_its_story(monkeypatch):
    """Partitions have offsets of their own: the second event of each is a prediction of its own."""
    records = [
        pack_events(
            partition, -1, 1, columns([(f"user {partition}", "item 1"), (f"user {partition}", "item 2")])
        )
        for partition in range(2)
    ]

    async def recorded(*_):
        yield [types.SimpleNamespace(value=value) for value in records]

    async def nothing(_):
        pass

    monkeypatch.setattr(journal.clients, "read_to_end", recorded)
    monkeypatch.setattr(journal.admin, "ensure_topics", nothing)
    progress = []

    told = await journal.measure_journal(CONFIG, "published", progress.append)

    assert (told.report.events, told.report.evaluated, progress) == (4, 2, [4])
    assert told.report.not_learned == {"stale": 0, "broken": 0}
    assert told.predictions.key.tolist() == [1, (1 << 48) + 1]
    assert told.report.segments["history"]["1"].events == 2


def test_people_get_a_table(found):
    """The fusion and popularity first, then the heads by name."""
    console = Console(record=True, width=120, file=io.StringIO())
    show(found, console)
    text = console.export_text()

    lines = [line.split()[1] for line in text.splitlines() if "0." in line and "│" in line]
    assert lines[:2] == ["fusion", "popularity"]
    assert lines[2:] == sorted(lines[2:])
    assert "3 of 5 events predicted, then learned" in text


def test_the_learner_of_a_report_can_be_any():
    """Also one that has followed a journal for long."""
    told = report(learner_of(CONFIG, []), 0.0, {"late": 3})

    assert told.not_learned == {"late": 3}
    assert told.events_per_second == 0
