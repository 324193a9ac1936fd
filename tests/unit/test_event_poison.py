"""Whatever bytes come, the decoder gives an event or a reason, and never anything else."""

import json

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from streamproc.config import EventsConfig
from streamproc.contracts.deadletters import REASONS, Source, headers
from streamproc.contracts.events import Decoder
from streamproc.letters.reading import safe
from tests.poison import MORNING, POISON, spoiled, valued

DECODER = Decoder(EventsConfig())
GOOD = spoiled()


def decode(*values):
    """Columns and rejects of records that arrived on that morning."""
    count = len(values)
    return DECODER.decode(list(values), np.arange(count), np.full(count, MORNING), 0)


@pytest.mark.parametrize(("reason", "value"), POISON, ids=range(len(POISON)))
def test_each_poison_has_its_reason_and_its_neighbours_are_unharmed(reason, value):
    """One reject, between two good events."""
    columns, [reject] = decode(GOOD, value, GOOD)

    assert (reject.index, reject.reason) == (1, reason), reject.message
    assert columns.offsets.tolist() == [0, 2]


def test_there_are_enough_of_them_and_every_reason_but_late():
    """Late is what only the user's state can say."""
    assert len(POISON) >= 40
    assert {reason for reason, _ in POISON} == set(REASONS) - {"late"}


@pytest.mark.parametrize(
    "value",
    [
        GOOD[:-1] + b',"item_id":"second"}',
        GOOD[:-1] + b',"a":1,"a":2}',
        GOOD[:-1] + b',"context":' + b'{"a":' * 100 + b"1" + b"}" * 100 + b"}",
        valued(b"1e-400"),
        valued(b"-0"),
        b" \t\r\n" + GOOD + b" ",
    ],
)
def test_odd_is_not_wrong(value):
    """Repeated names, depth, tiny numbers, blanks: as JSON allows them."""
    columns, rejects = decode(value)

    assert (rejects, columns.offsets.size) == ([], 1)


def check(value):
    """An event with finite columns, or one reason of the list, with headers that can be written."""
    columns, rejects = decode(GOOD, value, GOOD)

    assert columns.offsets.size + len(rejects) == 3
    assert {0, 2} <= set(columns.offsets.tolist())
    assert (columns.times >= 0).all() and not np.isinf(columns.values).any()
    for reject in rejects:
        assert (reject.index, reject.reason in REASONS) == (1, True)
        written = headers(Source("e", 0, 1, "a", "w"), reject.reason, reject.message)
        assert all(isinstance(text, bytes) for _, text in written)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=12,
)
FIELDS = st.sampled_from(
    ["v", "event_id", "type", "user_id", "item_id", "ts", "value", "session_id", "context"]
)


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=300))
@example(b"\xff")
def test_any_bytes(value):
    """From nothing to noise."""
    check(value)


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_an_event_with_bytes_changed(data):
    """Some of them replaced, taken out or put in: mostly still like an event."""
    value = bytearray(spoiled(value=4.5, session_id="s", context={"a": [1, {"b": None}]}))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(value) - 1))
        value[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    check(bytes(value))


@settings(deadline=None, max_examples=100)
@given(st.dictionaries(FIELDS, anything, max_size=4))
def test_an_event_with_anything_in_its_fields(changes):
    """Right names, any values."""
    event = {"type": "click", "user_id": "u", "item_id": "i", "ts": MORNING} | changes
    check(json.dumps(event).encode())


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=200), st.none() | st.integers(1, 50))
def test_any_bytes_can_be_shown(data, limit):
    """One printable line, whatever is in it."""
    assert safe(data, limit).isprintable()
