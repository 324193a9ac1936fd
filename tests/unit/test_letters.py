"""Dead letters as people see them, and as they are fed in again."""

from types import SimpleNamespace

import msgspec
import numpy as np
import pytest

from streamproc.config import Config, EventsConfig
from streamproc.contracts.deadletters import Source, body, headers
from streamproc.contracts.events import Decoder
from streamproc.letters import reading, replaying
from streamproc.letters.reading import Selection, letter_of, safe

NOW = 1_800_000_000_000  # ms
POKE = {"type": "poke", "user_id": "u1", "item_id": "tea", "ts": NOW - 1000}


def letter(value, offset=0, reason="unknown_type", partition=2, source_offset=40, key=b"u1"):
    """A dead letter as a worker writes it."""
    kept, cut = body(value)
    source = Source("events", partition, source_offset, "worker", "here")
    added = headers(source, reason, "what is wrong", [("trace", b"\x01")]) + cut
    return letter_of(SimpleNamespace(offset=offset, timestamp=NOW, key=key, value=kept, headers=added))


def poke(**changes):
    return msgspec.json.encode(POKE | changes)


def test_a_letter_knows_where_it_came_from_and_what_it_had():
    """Place, reason, and the headers it had before it was set aside."""
    found = letter(b"\xff", offset=7, reason="invalid_utf8")

    assert (found.topic, found.partition, found.source_offset) == ("events", 2, 40)
    assert (found.reason, found.message, found.value) == ("invalid_utf8", "what is wrong", b"\xff")
    assert found.original_headers == [("trace", b"\x01")]


def test_a_record_without_our_headers_is_shown_as_far_as_it_goes():
    """Somebody else may have written into the topic."""
    found = letter_of(SimpleNamespace(offset=1, timestamp=NOW, key=None, value=None, headers=[]))

    assert (found.reason, found.partition, found.source_offset) == ("", -1, -1)
    assert reading.as_dict(found)["value"] is None


@pytest.mark.parametrize(
    ("selection", "chosen"),
    [
        (Selection(), [0, 1, 2, 3]),
        (Selection(reasons=("late",)), [1]),
        (Selection(reasons=("late", "not_json")), [1, 2]),
        (Selection(partition=1), [3]),
        (Selection(first=41, last=42), [1, 2]),
        (Selection(partition=2, first=42), [2]),
        (Selection(number=3), [3]),
    ],
)
def test_letters_are_chosen_by_reason_partition_and_offset(selection, chosen):
    """All conditions hold together."""
    letters = [
        letter(b"", 0, "unknown_type", 2, 40),
        letter(b"", 1, "late", 2, 41),
        letter(b"", 2, "not_json", 2, 42),
        letter(b"", 3, "unknown_type", 1, 43),
    ]

    assert [each.offset for each in letters if selection.has(each)] == chosen


def test_reasons_are_counted():
    """The most frequent first."""
    letters = [letter(b"", reason=reason) for reason in ("late", "not_json", "not_json")]

    assert list(reading.counted(letters).items()) == [("not_json", 2), ("late", 1)]


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b"tea \xe2\x82\xac", "tea \u20ac"),
        (b"\x1b[2J\x07", r"\x1b[2J\x07"),
        (b"a\nb\r\t\x00", r"a\nb\r\t\x00"),
        (b"\xff\xfe", r"\xff\xfe"),
        ("\u202egnp.exe".encode(), r"\u202egnp.exe"),
    ],
)
def test_no_byte_of_a_letter_is_obeyed_by_a_terminal(data, shown):
    """Escape sequences, line ends, directions of writing."""
    assert safe(data) == shown


def test_a_long_body_is_cut_in_a_list():
    """And says so."""
    assert safe(b"x" * 200, 160) == "x" * 160 + "\u2026"


def sort_out(*letters, **events):
    return replaying.sort_out(Config(events=EventsConfig(**events)), letters, NOW)


def test_only_what_is_an_event_by_now_is_fed_in_again():
    """The others would be back at once; they are counted by what is wrong now."""
    huge = letter(poke(context={"text": "x" * 1_000_000}), reason="too_large")
    found = sort_out(letter(poke()), letter(b"tea"), huge, letter(None), unknown_type="count")

    assert [each.value for each, _ in found.ready] == [poke()]
    assert found.left == {"not_json": 1, "too_large": 1, "unknown_type": 1}


def test_nothing_changes_while_the_cause_is_still_there():
    """The type is still unknown."""
    assert sort_out(letter(poke())) == ([], {"unknown_type": 1})


def test_a_time_that_was_too_far_ahead_may_have_come():
    """It is judged against the present."""
    early = msgspec.json.encode(POKE | {"type": "click"})

    assert len(sort_out(letter(early, reason="future_time")).ready) == 1


@pytest.mark.parametrize("own", [{}, {"event_id": None}])
def test_one_without_an_id_gets_its_first_place_as_its_id(own):
    """The same one at every replay; all else stays, also what we do not know."""
    value = poke(**own, extra=[1, {"a": 2.50}])

    first, again = (replaying.with_event_id(letter(value)) for _ in range(2))

    assert first == again
    assert msgspec.json.decode(first) == msgspec.json.decode(value) | {"event_id": "dlq:2:40"}
    assert replaying.with_event_id(letter(value, source_offset=41)) != first


def test_one_with_an_id_is_fed_in_byte_for_byte():
    """So that the event is the one that it would have been."""
    value = b'{ "event_id" : "e1", "type":"poke","user_id":"u1","item_id":"tea","ts":1 }'

    assert replaying.with_event_id(letter(value)) == value


def test_the_ids_given_are_event_ids_that_the_decoder_takes():
    """They tell two letters apart."""
    values = [replaying.with_event_id(letter(poke(type="click"), source_offset=n)) for n in (1, 2)]
    columns, rejects = Decoder(EventsConfig()).decode(values, np.array([90, 91]), np.full(2, NOW), 2)

    assert rejects == []
    assert len(set(columns.event_keys.tolist())) == 2
