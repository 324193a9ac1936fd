"""Event files: every packing, every form of row, and ids that make feeding a file twice harmless."""

import csv
import gzip
import hashlib
import json
import lzma
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from streamproc.errors import BadFile
from streamproc.files import reading
from streamproc.files.columns import Columns
from streamproc.files.reading import FileBatch, read_events
from streamproc.files.rows import MAX_ROW
from streamproc.files.times import span
from streamproc.files.where import Where

SHOP = Columns.parse("user=Customer,item=Code,ts=Date,type=:purchase,value=Quantity")
PACKINGS = [
    pytest.param(gzip.compress, id="gzip"),
    pytest.param(lzma.compress, id="xz"),
    pytest.param(zstandard.compress, id="zstd"),
]
CSV = b"""Date,Customer,Code,Quantity
2010-12-01 08:26:00,17850,85123A,6
2010-12-01 08:28:00,,71053,6
2010-12-01 08:34:00,13047,84879,-2
"""
LINES = b"""{"type":"view","user_id":"ada","item_id":"tea","ts":1700000000000}
{"event_id":"own","type":"cart","user_id":"ada","item_id":"tea","ts":"2023-11-14T22:13:21Z"}
"""


@pytest.fixture
def file(tmp_path: Path) -> Callable[[bytes], Path]:
    """Writes a file of events, and says where."""

    def written(content: bytes) -> Path:
        path = tmp_path / "events"
        path.write_bytes(content)
        return path

    return written


def whole(path: Path, *arguments: Any, **named: Any) -> FileBatch:
    """A file in one batch."""
    batches = list(read_events(path, *arguments, **named))
    values, keys, skipped = ([one for batch in batches for one in batch[part]] for part in range(3))
    return FileBatch(values, keys, skipped, batches[-1].position if batches else 0)


def events(path: Path, *arguments: Any, **named: Any) -> list[dict[str, Any]]:
    return [json.loads(value) for value in whole(path, *arguments, **named).values]


def test_a_csv_row_becomes_an_event_with_the_number_of_its_row(file):
    """The id names the file and the row, the time is UTC, and ids stay as they are written."""
    source = hashlib.sha256(CSV).hexdigest()[:16]

    first = events(file(CSV), SHOP)[0]

    assert first == {
        "event_id": f"seq:{source}:1",
        "type": "purchase",
        "user_id": "17850",
        "item_id": "85123A",
        "ts": 1291191960000,
        "value": 6.0,
    }


def test_an_event_line_goes_out_as_it_is_but_for_its_id(file):
    """What is an event already is left alone; its own id wins."""
    first, second = whole(file(LINES)).values

    assert json.loads(first) | {"event_id": ""} == json.loads(LINES.splitlines()[0]) | {"event_id": ""}
    assert json.loads(first)["event_id"].endswith(":1")
    assert second == LINES.splitlines()[1]


@pytest.mark.parametrize("pack", PACKINGS)
def test_every_packing_holds_the_same_events(file, pack):
    """Packing is seen from the bytes; only the source in the ids differs."""
    assert events(file(pack(CSV)), SHOP, source="s") == events(file(CSV), SHOP, source="s")


@pytest.mark.parametrize("pack", PACKINGS)
def test_packed_files_put_one_after_the_other_are_read_to_the_end(file, pack):
    """`cat a.gz b.gz` is a file of both."""
    assert len(events(file(pack(LINES) + pack(LINES)))) == 4


@pytest.mark.parametrize("pack", PACKINGS)
def test_a_file_that_is_cut_off_is_refused_by_name(file, pack):
    """Half a file is no file: the reader must not take it for a short one."""
    packed = pack(LINES * 1000)

    with pytest.raises(BadFile, match=r"cannot unpack .*events"):
        whole(file(packed[: len(packed) // 2]))


def test_the_same_file_gives_the_same_ids_twice(file):
    """So that a second feeding is all duplicates."""
    path = file(CSV)

    assert whole(path, SHOP).values == whole(path, SHOP).values


def test_rows_without_a_field_are_told_with_their_line(file):
    """Line 3 has no customer."""
    skipped = whole(file(CSV), SHOP).skipped

    assert [(row.line, row.reason, row.detail) for row in skipped] == [(3, "missing_field", "no user")]


def test_conditions_leave_out_what_does_not_meet_them(file):
    """Each condition is a reason of its own."""
    where = [Where.parse("Quantity>0"), Where.parse("Customer!=")]

    batch = whole(file(CSV), SHOP, where)

    assert batch.keys == [b"17850"]
    assert [row.reason for row in batch.skipped] == ["not Customer!=", "not Quantity>0"]


def test_conditions_hold_for_json_lines_too(file):
    """Keys of the object are its columns."""
    assert [event["type"] for event in events(file(LINES), None, [Where.parse("type=cart")])] == ["cart"]


def test_the_span_takes_its_start_and_leaves_its_end(file):
    """Times of rows outside it are told, and the numbers of the others stay."""
    batch = whole(file(CSV), SHOP, [], None, span("2010-12-01 08:34", "2010-12-01T09:00:00Z"))

    assert [json.loads(value)["event_id"].rpartition(":")[2] for value in batch.values] == ["3"]
    assert batch.skipped[0].reason == "outside --from/--to"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b"2010-12-01 08:26:00,u,i", "not_csv"),
        (b"2010-12-01 08:26:00,u,i,1,2", "not_csv"),
        (b"yesterday,u,i,1", "bad_time"),
        (b"NaN,u,i,1", "bad_time"),
        (b"2010-12-01 08:26:00,u,i,many", "bad_value"),
        (b"2010-12-01 08:26:00,u,i,inf", "bad_value"),
        (b"2010-12-01 08:26:00,\xff,i,1", "invalid_utf8"),
        (b"2010-12-01 08:26:00,u," + b"x" * MAX_ROW + b",1", "too_large"),
        (b'2010-12-01 08:26:00,u,"' + b"x" * 200_000 + b'",1', "not_csv"),
    ],
)
def test_a_bad_row_is_told_and_the_next_one_is_read(file, row, reason):
    """Bad rows cost nothing but themselves."""
    batch = whole(file(CSV[:28] + row + b"\n" + b"2010-12-01 08:26:00,u,i,1\n"), SHOP)

    assert [(skipped.line, skipped.reason) for skipped in batch.skipped] == [(2, reason)]
    assert len(batch.values) == 1


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{nonsense", "not_json"),
        (b'{"user_id":"\xff"}', "not_json"),
        (b'{"item_id":"tea"}', "missing_field"),
        (b'{"user_id":5}', "missing_field"),
        (b'{"user_id":"' + b"x" * MAX_ROW + b'"}', "too_large"),
    ],
)
def test_a_bad_line_is_told_and_the_next_one_is_read(file, line, reason):
    """A line needs a user, its key; the rest is for the worker to judge."""
    batch = whole(file(LINES + line + b"\n" + LINES))

    assert [(skipped.line, skipped.reason) for skipped in batch.skipped] == [(3, reason)]
    assert len(batch.values) == 4


def test_columns_rename_the_keys_of_json_lines(file):
    """Numbers become ids as they are written."""
    path = file(b'{"who":17850,"what":"tea","when":1700000000}\n')

    event = events(path, Columns.parse("user=who,item=what,ts=when,type=:view"))[0]

    assert (event["user_id"], event["type"], event["ts"]) == ("17850", "view", 1700000000000)


def test_a_file_without_times_counts_seconds(file):
    """ts=# starts with 2020-01-01 and adds one second per row."""
    path = file(b"user,item\na,x\n\nb,y\n")

    times = [event["ts"] for event in events(path, Columns.parse("user=user,item=item,ts=#"))]

    assert times == [1577836801000, 1577836802000]


def test_a_csv_with_the_names_of_events_needs_no_columns(file):
    """Names of the contract are found by themselves; the type is click without one."""
    path = file(b"user_id;item_id;ts;session_id\nada;tea;1700000000;s1\n")

    assert events(path, source="s") == [
        {
            "event_id": "seq:s:1",
            "type": "click",
            "user_id": "ada",
            "item_id": "tea",
            "ts": 1700000000000,
            "session_id": "s1",
        }
    ]


def test_an_unknown_column_is_refused_with_the_nearest_name(file):
    """The message names the file, the column, and what is there."""
    with pytest.raises(BadFile, match=r"events: no column 'Custumer'. Did you mean Customer\?"):
        whole(file(CSV), Columns.parse("user=Custumer,item=Code,ts=Date"))


def test_a_missing_file_is_refused_by_name(tmp_path):
    """Before anything else."""
    with pytest.raises(BadFile, match=r"cannot open .*nowhere.csv: No such file"):
        whole(tmp_path / "nowhere.csv")


def test_an_empty_file_is_refused(file):
    """No header, no columns."""
    with pytest.raises(BadFile, match="the file is empty"):
        whole(file(b""))


def test_batches_have_their_size_and_show_the_progress(file, monkeypatch):
    """The last position is the size of the file as it is on disk."""
    monkeypatch.setattr(reading, "BATCH", 3)
    path = file(gzip.compress(LINES * 4))

    batches = list(read_events(path))

    assert [len(batch.values) for batch in batches] == [3, 3, 2]
    assert batches[-1].position == path.stat().st_size


def test_a_bomb_of_one_line_is_passed_over_in_pieces(file):
    """16 MB of nothing in some kB: one row too large, and the next is read."""
    batch = whole(file(gzip.compress(LINES + b"{" + b" " * (1 << 24) + b"}\n" + LINES, 1)))

    assert len(batch.values) == 4
    assert [row.reason for row in batch.skipped] == ["too_large"]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.text(min_size=1), st.text(min_size=1)), min_size=1, max_size=20))
def test_any_text_in_quotes_survives(tmp_path_factory, pairs):
    """CSV quoting, line ends within fields and all of Unicode."""
    path = tmp_path_factory.mktemp("text") / "events.csv"
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, quoting=csv.QUOTE_ALL)
        writer.writerows([("user_id", "item_id"), *pairs])

    read = events(path, Columns.parse("ts=#"))

    assert [(event["user_id"], event["item_id"]) for event in read] == pairs
