"""The event contract: what decodes, into which columns, and what is rejected for which reason."""

import json
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamproc.config import EventsConfig
from streamproc.contracts import events as contract
from streamproc.contracts.deadletters import REASONS, Reject
from streamproc.contracts.events import UNKNOWN_KIND, Decoder, Event, encode, select, span, texts
from streamproc.contracts.schema import event_schema, event_schema_text
from streamproc_models.hashing import hash64

NOW = 1_700_000_000_000  # ms, the Kafka timestamp of every record here
GOOD = {"type": "click", "user_id": "u1", "item_id": "i9", "ts": NOW}


def event(**fields):
    """A good event with some fields changed, as JSON; None takes the field away."""
    return json.dumps({name: value for name, value in (GOOD | fields).items() if value is not None}).encode()


def decode(*values, **config):
    """Columns and rejects of one batch at offsets 100, 101, ... of partition 3."""
    offsets = np.arange(100, 100 + len(values))
    return Decoder(EventsConfig(**config)).decode(values, offsets, np.full(len(values), NOW), 3)


def test_an_event_becomes_one_entry_in_every_column():
    """Every field of the contract arrives where the engine looks for it."""
    columns, rejects = decode(event(type="rating", value=4.5, event_id="a", session_id="s", v=1, extra=[]))

    assert rejects == []
    assert columns.offsets.tolist() == [100]
    assert columns.times.tolist() == [NOW]
    assert columns.kinds.tolist() == [sorted(EventsConfig().types).index("rating")]
    assert columns.values.tolist() == [4.5]
    assert columns.event_keys.tolist() == [hash64(b"a")]
    assert columns.sequences.tolist() == [-1]
    assert columns.sessions.tolist() == [hash64(b"s")]
    assert columns.users.tolist() == [hash64(b"u1")]
    assert columns.items.tolist() == [hash64(b"i9")]
    assert texts(columns.user_ids) == [b"u1"]
    assert texts(columns.item_ids) == [b"i9"]


def test_the_columns_have_the_types_that_kernels_are_compiled_for():
    """Empty, clean and filtered batches agree on every dtype."""
    batches = [decode()[0], decode(event())[0], decode(event(), b"x")[0], contract.no_events()]

    layouts = {tuple(column.dtype.str for column in (*b[:10], *b.user_ids, *b.item_ids)) for b in batches}

    assert layouts == {tuple("<i8 <i8 |u1 <f4 <f4 <u8 <i8 <u8 <u8 <u8 |u1 <i8 |u1 <i8".split())}


@pytest.mark.parametrize(
    ("ts", "milliseconds"),
    [
        (1_700_000_000_123, 1_700_000_000_123),
        (1_700_000_000_123.7, 1_700_000_000_123),
        ("2023-11-14T22:13:20Z", 1_700_000_000_000),
        ("2023-11-14T23:13:20.1239+01:00", 1_700_000_000_123),
    ],
)
def test_time_is_epoch_milliseconds_or_rfc_3339(ts, milliseconds):
    """Zones count, and parts of a millisecond are dropped."""
    columns, _ = decode(event(ts=ts), event())

    assert columns.times.tolist() == [milliseconds, NOW]


@pytest.mark.parametrize(
    ("fields", "strength"),
    [
        ({"type": "purchase"}, 5.0),
        ({"type": "rating", "value": 4}, 1.0),
        ({"type": "rating", "value": 3.9}, 0.0),
    ],
)
def test_the_config_says_what_an_event_is_worth(fields, strength):
    """A type with a threshold judges the value."""
    columns, _ = decode(event(**fields))

    assert columns.strengths.tolist() == [strength]


BAD = [
    (b"", "not_json"),
    (None, "not_json"),
    (b"hello", "not_json"),
    (event()[:-1], "not_json"),
    (event() + b"{}", "not_json"),
    (event()[:-1] + b',"x":' + b"[" * 100_000, "not_json"),
    (b"\xff\xfe", "invalid_utf8"),
    (event(item_id="\u00e9").replace(b"\\u00e9", b"\xe9"), "invalid_utf8"),
    (event(user_id=None), "missing_field"),
    (event(ts=None), "missing_field"),
    (event(type="rating"), "missing_field"),
    (b"[]", "wrong_type"),
    (event(user_id=7), "wrong_type"),
    (event(ts=True), "wrong_type"),
    (event(value="4"), "wrong_type"),
    (event(v="1"), "wrong_type"),
    (event(context=[]), "wrong_type"),
    (event(user_id=""), "bad_id"),
    (event(item_id="x" * 257), "bad_id"),
    (event(event_id=""), "bad_id"),
    (event(item_id="a\nb"), "bad_id"),
    (event(user_id="a\x00"), "bad_id"),
    (event(session_id="a\x7f"), "bad_id"),
    (event(event_id="\x85"), "bad_id"),
    (event(value=float("nan")), "bad_value"),
    (event(value=float("inf")), "bad_value"),
    (event(value=1e39), "bad_value"),
    (event(value=5).replace(b"5}", b"1e999}"), "bad_value"),
    (event(ts="yesterday"), "bad_value"),
    (event(ts="2023-11-14T22:13:20"), "bad_value"),
    (event(ts=-1), "bad_value"),
    (event(ts=10**30), "bad_value"),
    (event(ts="1969-12-31T23:59:59Z"), "bad_value"),
    (event(ts=NOW + 300_001), "future_time"),
    (event(v=2, user_id=None), "unknown_version"),
    (event(type="poke"), "unknown_type"),
    (event(context={"x": "y" * 2_000_000}), "too_large"),
]


@pytest.mark.parametrize(("value", "reason"), BAD, ids=[f"{i}-{reason}" for i, (_, reason) in enumerate(BAD)])
def test_a_bad_record_is_rejected_and_its_neighbours_are_not(value, reason):
    """The reason is from the closed list, the index that of the record, the rest as without it."""
    columns, rejects = decode(event(), value, event(item_id="i10"))

    assert [(reject.index, reject.reason) for reject in rejects] == [(1, reason)]
    assert rejects[0].message
    assert columns.offsets.tolist() == [100, 102]
    assert texts(columns.item_ids) == [b"i9", b"i10"]


def test_every_reason_of_the_decoder_is_provoked_above():
    """All but `late`, which only the window can know."""
    assert {reason for _, reason in BAD} == set(REASONS) - {"late"}


def test_a_batch_of_every_fault_reports_them_in_order():
    """Faults found at different stages come back sorted by record."""
    columns, rejects = decode(*(value for value, _ in BAD))

    assert [reject.index for reject in rejects] == list(range(len(BAD)))
    assert columns.offsets.size == 0


def test_the_limits_themselves_are_allowed():
    """256 characters (not bytes), the largest skew, a body of exactly max_bytes, no-break space."""
    longest = event(user_id="\u20ac" * 256, item_id="a\u00a0b", ts=NOW + 300_000)

    columns, rejects = decode(longest, max_bytes=len(longest))

    assert rejects == []
    assert texts(columns.user_ids) == ["\u20ac".encode() * 256]


def test_a_record_without_a_timestamp_is_not_judged_by_it():
    """A negative Kafka timestamp means that there is none."""
    _, rejects = Decoder(EventsConfig()).decode([event()], np.array([0]), np.array([-1]), 0)

    assert rejects == []


def test_an_unlisted_type_can_be_counted_instead():
    """It gets the last kind and the configured strength."""
    columns, rejects = decode(event(type="poke"), unknown_type="count", unknown_strength=0.5)

    assert rejects == []
    assert columns.kinds.tolist() == [UNKNOWN_KIND]
    assert columns.strengths.tolist() == [0.5]


@pytest.mark.parametrize(
    ("event_id", "source", "number"),
    [
        ("seq:file:17", b"file", 17),
        ("seq:a:b:0", b"a:b", 0),
        ("seq:x:999999999999999999", b"x", 999_999_999_999_999_999),
        ("seq:x:1234567890123456789", b"seq:x:1234567890123456789", -1),
        ("seq::17", b"seq::17", -1),
        ("seq:17", b"seq:17", -1),
        ("seq:file:", b"seq:file:", -1),
        ("seq:file:1x", b"seq:file:1x", -1),
        ("sec:file:17", b"sec:file:17", -1),
    ],
)
def test_a_sequenced_id_is_its_source_and_number(event_id, source, number):
    """Anything that only looks like one is an ordinary id."""
    columns, _ = decode(event(event_id=event_id))

    assert columns.event_keys.tolist() == [hash64(source)]
    assert columns.sequences.tolist() == [number]


def test_a_missing_event_id_comes_from_partition_and_offset():
    """The same record gives the same key again, another record another one."""
    values, stamps = [event(), event()], np.full(2, NOW)
    read = [
        Decoder(EventsConfig()).decode(values, np.array([5, 6]), stamps, partition)[0].event_keys.tolist()
        for partition in (0, 0, 1)
    ]

    assert read[0] == read[1]
    assert len({*read[0], *read[2]}) == 4


ids = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=12)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(ids, ids, st.booleans(), st.one_of(st.none(), st.floats(width=32)))))
def test_what_a_producer_encodes_is_what_the_columns_hold(rows):
    """Any text and value survives, and selecting commutes with listing."""
    finite = [
        (user, item, keep, None if v is None or not np.isfinite(v) else v) for user, item, keep, v in rows
    ]
    values = [encode(Event(type="view", user_id=u, item_id=i, ts=NOW, value=v)) for u, i, _, v in finite]
    keep = np.array([keep for _, _, keep, _ in finite], np.bool_)

    columns, rejects = decode(*values)
    chosen, tail = select(columns, keep), span(columns, min(1, len(rows)), len(rows))

    assert rejects == []
    assert texts(columns.user_ids) == [user.encode() for user, *_ in finite]
    assert [None if np.isnan(v) else v for v in columns.values.tolist()] == [v for *_, v in finite]
    assert texts(chosen.item_ids) == [item.encode() for _, item, kept, _ in finite if kept]
    assert chosen.items.tolist() == [hash64(text) for text in texts(chosen.item_ids)]
    assert texts(tail.user_ids) == [user.encode() for user, *_ in finite[1:]]


def test_a_time_object_encodes_as_rfc_3339():
    """Producers in Python may hand over an aware datetime."""
    written = encode(Event(type="view", user_id="u", item_id="i", ts=datetime(2024, 1, 2, tzinfo=UTC)))

    assert json.loads(written)["ts"] == "2024-01-02T00:00:00Z"


def test_the_published_schema_is_the_one_that_is_enforced():
    """`python -m streamproc.contracts.schema` writes the file anew."""
    published = resources.files("streamproc.contracts").joinpath("event.schema.json")

    assert Path(str(published)).read_text() == event_schema_text()
    assert event_schema()["required"] == ["type", "user_id", "item_id", "ts"]


def test_a_reject_names_the_record():
    """Index, reason and message, in this order."""
    assert decode(event(type="poke"))[1] == [Reject(0, "unknown_type", "type `poke` is not in events.types")]
