"""What a refresh sees of the journal: which events, which items, which generation came last."""

import numpy as np
import pytest

from streamproc.contracts import generation
from streamproc.contracts.columns import DTYPES, EventColumns
from streamproc.contracts.control import Drift, Generation, Promote, Reject
from streamproc.contracts.encoder import EncoderArrays
from streamproc.contracts.ids import hashes, strings, texts
from streamproc.contracts.journal import cut, pack_control, pack_events
from streamproc.refresh.history import JournalHistory
from streamproc_models.slots import FREE


def events(*pairs, first=0):
    """Events of (user, item, strength), at offsets from `first` on."""
    users, items, strengths = zip(*pairs, strict=True)
    count = len(pairs)
    user_ids, item_ids = (strings([text.encode() for text in column]) for column in (users, items))
    columns = EventColumns._make([*(np.ones(count, dtype) for dtype in DTYPES), user_ids, item_ids])
    return columns._replace(
        offsets=np.arange(first, first + count),
        strengths=np.array(strengths, np.float32),
        users=hashes(user_ids),
        items=hashes(item_ids),
    )


def record(prev, columns, partition=0):
    return pack_events(partition, prev, int(columns.offsets[-1]), columns)


def an_encoder(trained_on):
    """Of one item."""
    rows, cell = np.ones((1, 8), np.float32), np.ones((18, 24), np.float32)
    one, count = np.ones(1, np.float32), np.ones(1, np.int64)
    place = np.zeros(1, np.int32)
    return EncoderArrays(place, rows, one, cell, rows, one, cell, count, one, count * trained_on)


def generation_records(number, learned_to, factor=1.0, encoder=None):
    """Chunks and control record of an ALS generation of one item."""
    nobody = np.full((1, 1), FREE, np.int32)
    factors = np.full((1, 32), factor, np.float32)
    arrays = generation.pack(strings([b"tea"]), nobody, np.zeros((1, 1), np.float32), factors, encoder)
    records, sha256 = cut(number, arrays)
    return [*records, pack_control(Generation(number, "als", 1, len(records), sha256, learned_to, 0))]


def read(history, *records):
    for value in records:
        history.add(history.position, value)
    return history


def listed(cut_history):
    """(user number, item name, strength) of every event."""
    names = texts(cut_history.item_ids)
    rows = zip(cut_history.users, cut_history.items, cut_history.strengths, strict=True)
    return [(int(user), names[item].decode(), float(strength)) for user, item, strength in rows]


@pytest.fixture
def history():
    return JournalHistory()


def test_events_are_numbered_by_user_and_item(history):
    """Two users and two items: equal ids get equal numbers, names come back."""
    read(history, record(-1, events(("ann", "tea", 1), ("bob", "cup", 3), ("ann", "cup", 5))))

    rows = listed(history.cut())

    assert [row[1:] for row in rows] == [("tea", 1.0), ("cup", 3.0), ("cup", 5.0)]
    assert rows[0][0] == rows[2][0] != rows[1][0]


def test_negative_feedback_is_no_interest(history):
    """A strength of 0 or less is left out, its item too unless somebody liked it in the same record."""
    read(history, record(-1, events(("ann", "tea", -1), ("ann", "jam", 0), ("bob", "tea", 1))))

    cut_history = history.cut()

    assert texts(cut_history.item_ids) == [b"tea"]
    assert [row[1:] for row in listed(cut_history)] == [("tea", 1.0)]


def test_repeated_records_count_once(history):
    """The reader's rule: a zombie's record changes nothing, an overlapping one adds only what is new."""
    read(
        history,
        record(-1, events(("ann", "tea", 1), ("ann", "cup", 1))),
        record(-1, events(("ann", "tea", 1))),
        record(0, events(("ann", "cup", 1), ("ann", "jam", 1), first=1)),
    )

    assert [row[1] for row in listed(history.cut())] == ["tea", "cup", "jam"]
    assert history.new_events == 3


def test_a_journal_whose_beginning_is_gone_is_read_from_what_is_left(history):
    """Retention has deleted offsets 0 to 99 of the partition."""
    read(history, record(99, events(("ann", "tea", 1), first=100)))

    assert len(listed(history.cut())) == 1
    assert history.broken == 0


def test_only_the_newest_events_are_looked_back_on():
    """Bound 3: of 3,000 records with one event each the last three remain, and only their items."""
    history = JournalHistory(newest=3)
    for offset in range(3000):
        read(history, record(offset - 1, events(("ann", f"item {offset}", 1), first=offset)))

    assert [row[1] for row in listed(history.cut())] == ["item 2997", "item 2998", "item 2999"]
    assert history.events == 3


def test_an_item_that_left_the_window_may_come_back():
    """Its id was forgotten with it and is kept again."""
    history = JournalHistory(newest=1)
    read(history, record(-1, events(("ann", "tea", 1), ("ann", "cup", 1))))
    history.cut()

    read(history, record(1, events(("ann", "tea", 1), first=2)))

    assert listed(history.cut()) == [(0, "tea", 1.0)]


def test_the_factors_of_the_last_generation_are_found(history):
    """They are in its chunks, and the next id is one above."""
    read(history, *generation_records(4, learned_to=0, factor=2.5))

    assert (history.last.id, history.next_id) == (4, 5)
    assert history.factors.vectors[0, 0] == 2.5
    assert texts(history.factors.item_ids) == [b"tea"]


def test_the_encoder_of_a_generation_tells_what_it_was_trained_on(history):
    """One event came after its cut; a later generation without an encoder changes nothing."""
    read(history, record(-1, events(("ann", "tea", 1), ("ann", "cup", 0), ("ann", "tea", 1))))
    history.cut()
    read(history, record(2, events(("ann", "tea", 1), first=3)))

    read(history, *generation_records(1, learned_to=1, encoder=an_encoder(trained_on=2)))
    read(history, *generation_records(2, learned_to=1))

    assert (history.encoded, history.new_to_encoder) == (2, 1)


def test_a_rejected_generation_is_no_start(history):
    """The one that was promoted before it is."""
    read(
        history,
        *generation_records(1, learned_to=0, factor=1.0),
        pack_control(Promote(1, 0.3, 0.2)),
        *generation_records(2, learned_to=0, factor=9.0),
        pack_control(Reject(2, "worse")),
    )

    assert history.factors.vectors[0, 0] == 1.0
    assert history.decision == Reject(2, "worse")


def test_chunks_without_a_generation_record_only_use_up_their_id(history):
    """A refresh was killed in the middle: what it wrote is ignored, and never mixed with the next one's."""
    *chunks, _ = generation_records(1, learned_to=0)

    read(history, *chunks)

    assert (history.last, history.factors, history.next_id) == (None, None, 2)


def test_a_damaged_generation_is_no_start(history):
    """A chunk is missing: the id counts, the factors do not."""
    *_, control = generation_records(1, learned_to=0)

    read(history, control)

    assert (history.last.id, history.factors) == (1, None)


def test_events_during_a_fit_are_new_to_the_next_one(history):
    """One event before the cut and two after it, then the generation that was cut there."""
    read(history, record(-1, events(("ann", "tea", 1))))
    history.cut()
    read(history, record(0, events(("ann", "tea", 1), ("ann", "cup", 1), first=1)))

    read(history, *generation_records(1, learned_to=1))

    assert history.new_events == 2


@pytest.mark.parametrize(
    ("wanted", "learned_to", "expected"), [(True, 1, True), (True, 2, False), (False, 1, False)]
)
def test_a_drift_wants_a_refresh_that_has_read_it(history, wanted, learned_to, expected):
    """One that was cut off before it, and handed over after it, does not know of it."""
    read(history, record(-1, events(("ann", "tea", 1))), pack_control(Drift("hits", 1, 0.5, 0.2, wanted)))
    before = history.drifted

    read(history, *generation_records(1, learned_to=learned_to))

    assert (before, history.drifted) == (wanted, expected)
