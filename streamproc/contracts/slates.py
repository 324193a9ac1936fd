"""Slates: the JSON contract of `recommendations`, for readers, and the compiled writer.

    {"v":1,"rec_id":"e3-17-5","user_id":"u1","generated_at":1700000000000,
     "trigger":{"kind":"event","topic":"events","partition":3,"offset":17},
     "model":{"version":5,"learned_to":90,"generation":2},
     "gate":{"short_term":0.60000,"long_term":0.30000,"popularity":0.10000},
     "items":[{"item_id":"i9","score":1.25000,"rank":1,"source":"markov","because":["i3","i7"]}]}

`rec_id` is a function of what the slate answers and of the model's version, so a slate that is sent
again replaces itself: e<partition>-<offset>-<version> for an event, g<generation>-<hash of the
user>-<version> otherwise.
"""

from typing import Literal, NamedTuple, Protocol

import msgspec
import numpy as np

from streamproc.contracts.ids import Strings
from streamproc.contracts.json_text import ESCAPED, copy, decimal, fixed, hexadecimal, quoted, whole
from streamproc_models.arrays import F32, I32, I64, U8, U64
from streamproc_models.evaluation import MODELS
from streamproc_models.kernel import kernel, tight

VERSION = 1

Kind = Literal["event", "refresh", "cold"]
Source = Literal[
    "popularity",
    "history",
    "markov",
    "covisitation",
    "second_order",
    "session",
    "factors",
    "gru",
    "long_term",
    "encoder",
]


class Trigger(msgspec.Struct, frozen=True):
    """The record that the slate answers: an event, or the journal's promotion of a generation."""

    kind: Kind
    topic: str
    partition: int
    offset: int


class ModelStamp(msgspec.Struct, frozen=True):
    """The model that ranked: it had learned the journal before `learned_to`."""

    version: int
    learned_to: int
    generation: int


class Gate(msgspec.Struct, frozen=True):
    """Shares of the score by family; they add up to 1, or are all 0 where nothing speaks for anything."""

    short_term: float
    long_term: float
    popularity: float


class SlateItem(msgspec.Struct, frozen=True):
    """One recommendation."""

    item_id: str
    score: float
    rank: int  # from 1
    source: Source  # the head that gave most
    because: list[str]  # up to two window items that moved this one most


class Slate(msgspec.Struct, frozen=True):
    """One user's recommendations, best first."""

    v: Literal[1]
    rec_id: str
    user_id: str
    generated_at: int  # ms since 1970
    trigger: Trigger
    model: ModelStamp
    gate: Gate
    items: list[SlateItem]


decode_slate = msgspec.json.Decoder(Slate).decode


class Slates(NamedTuple):
    """k slates of up to n items as arrays of rows."""

    rows: I32  # (k, n)
    scores: F32  # (k, n)
    sources: U8  # (k, n), number among streamproc_models.evaluation.MODELS
    because: I32  # (k, n, 2), rows of window items; -1 where none
    counts: I32  # (k,), items of each slate
    gates: F32  # (k, 3), shares of short term, long term, popularity


class ItemText(Protocol):
    """Row -> id, UTF-8: data[start : start + length]."""

    @property
    def data(self) -> U8: ...
    @property
    def start(self) -> I64: ...
    @property
    def length(self) -> I32: ...


class Targets(NamedTuple):
    """Whom the k slates are for, and the record that each answers."""

    user_ids: Strings
    users: U64  # (k,), hashes
    partitions: I32  # (k,)
    offsets: I64  # (k,)


class Stamp(NamedTuple):
    """What all slates of one call have in common."""

    kind: Kind
    topic: str
    version: int
    learned_to: int
    generation: int
    generated_at: int  # ms since 1970


class _Pieces(NamedTuple):
    """The text that all slates of one call share, in the order of its appearance."""

    opening: U8  # up to what is particular in the rec_id
    user: U8  # from the version in the rec_id to the user's id
    trigger: U8  # to the partition
    gate: U8  # from behind the offset to the first share


_Texts = tuple[U8, I64, I32]  # the fields of ItemText

_LONG = np.frombuffer(b',"long_term":', np.uint8)
_POPULAR = np.frombuffer(b',"popularity":', np.uint8)
_OFFSET = np.frombuffer(b',"offset":', np.uint8)
_ITEMS = np.frombuffer(b'},"items":[', np.uint8)
_ITEM = np.frombuffer(b'{"item_id":', np.uint8)
_SCORE = np.frombuffer(b',"score":', np.uint8)
_RANK = np.frombuffer(b',"rank":', np.uint8)
_SOURCE = np.frombuffer(b',"source":"', np.uint8)
_BECAUSE = np.frombuffer(b'","because":[', np.uint8)
_NAMES = np.frombuffer("".join(MODELS).encode(), np.uint8)
_NAME_ENDS = np.cumsum([0, *map(len, MODELS)])
_COMMA, _DASH, _BRACKET, _BRACE = 0x2C, 0x2D, 0x5D, 0x7D
_FIXED_BYTES = 256  # of a slate, at most: numbers, shares and names
_ITEM_BYTES = 160  # of an item, at most, without its ids


def write_slates(slates: Slates, items: ItemText, targets: Targets, stamp: Stamp) -> Strings:
    """The k slates as JSON, one after the other.

    Rows without an id are left out; scores and shares have five decimals.
    """
    texts = (items.data, items.start, items.length)
    units = (decimal(slates.scores), decimal(slates.gates))
    return Strings(*_write(slates, units, texts, targets, _pieces(stamp), stamp.kind == "event"))


def _pieces(stamp: Stamp) -> _Pieces:
    opening = "e" if stamp.kind == "event" else f"g{stamp.generation}-"
    topic = msgspec.json.encode(stamp.topic).decode()
    texts = (
        f'{{"v":{VERSION},"rec_id":"{opening}',
        f'-{stamp.version}","user_id":',
        f',"generated_at":{stamp.generated_at},"trigger":{{"kind":"{stamp.kind}","topic":{topic},"partition":',
        f'}},"model":{{"version":{stamp.version},"learned_to":{stamp.learned_to},'
        f'"generation":{stamp.generation}}},"gate":{{"short_term":',
    )
    return _Pieces(*(np.frombuffer(bytearray(text, "utf-8"), np.uint8) for text in texts))


@kernel
def _write(
    slates: Slates, units: tuple[I64, I64], texts: _Texts, targets: Targets, pieces: _Pieces, by_event: bool
) -> tuple[U8, I64]:
    ends = np.empty(slates.counts.size, np.int64)
    out = np.empty(_room(slates, texts, targets, pieces), np.uint8)
    return out[: _fill(out, ends, slates, units, texts, targets, pieces, by_event)], ends


@tight
def _fill(
    out: U8, ends: I64, slates: Slates, units: tuple[I64, I64], texts: _Texts, targets: Targets,
    pieces: _Pieces, by_event: bool,
) -> int:  # fmt: skip
    """Bytes written; not reference-counted, which would cost as much as the writing."""
    scores, gates = units
    at = 0
    for k in range(slates.counts.size):
        at = _head(out, at, targets, k, pieces, by_event)
        at = fixed(out, at, gates[k, 0])
        at = fixed(out, copy(out, at, _LONG), gates[k, 1])
        at = fixed(out, copy(out, at, _POPULAR), gates[k, 2])
        at = copy(out, at, _ITEMS)
        at = _items(out, at, slates, scores, k, texts)
        out[at], out[at + 1] = _BRACKET, _BRACE
        at += 2
        ends[k] = at
    return at


@tight
def _room(slates: Slates, texts: _Texts, targets: Targets, pieces: _Pieces) -> int:
    """Bytes that the slates take at most."""
    length = texts[2]
    fixed_bytes = pieces.opening.size + pieces.user.size + pieces.trigger.size + pieces.gate.size
    room = ESCAPED * targets.user_ids.data.size
    for k in range(slates.counts.size):
        room += fixed_bytes + _FIXED_BYTES
        for place in range(slates.counts[k]):
            room += _ITEM_BYTES + ESCAPED * length[slates.rows[k, place]]
            for row in slates.because[k, place]:
                room += ESCAPED * length[row] if row >= 0 else 0
    return room


@tight
def _head(out: U8, at: int, targets: Targets, k: int, pieces: _Pieces, by_event: bool) -> int:
    at = copy(out, at, pieces.opening)
    if by_event:
        at = whole(out, at, targets.partitions[k])
        out[at] = _DASH
        at = whole(out, at + 1, targets.offsets[k])
    else:
        at = hexadecimal(out, at, targets.users[k])
    at = copy(out, at, pieces.user)
    start = targets.user_ids.ends[k - 1] if k else 0
    at = quoted(out, at, targets.user_ids.data, start, targets.user_ids.ends[k])
    at = whole(out, copy(out, at, pieces.trigger), targets.partitions[k])
    at = whole(out, copy(out, at, _OFFSET), targets.offsets[k])
    return copy(out, at, pieces.gate)


@tight
def _items(out: U8, at: int, slates: Slates, scores: I64, k: int, texts: _Texts) -> int:
    data, start, length = texts
    rank = 0
    for place in range(slates.counts[k]):
        row = slates.rows[k, place]
        if length[row] == 0:
            continue
        rank += 1
        if rank > 1:
            out[at] = _COMMA
            at += 1
        at = quoted(out, copy(out, at, _ITEM), data, start[row], start[row] + length[row])
        at = fixed(out, copy(out, at, _SCORE), scores[k, place])
        at = whole(out, copy(out, at, _RANK), rank)
        at = copy(out, at, _SOURCE)
        source = slates.sources[k, place]
        at = copy(out, at, _NAMES[_NAME_ENDS[source] : _NAME_ENDS[source + 1]])
        at = _reasons(out, copy(out, at, _BECAUSE), slates.because[k, place], texts)
        out[at], out[at + 1] = _BRACKET, _BRACE
        at += 2
    return at


@tight
def _reasons(out: U8, at: int, because: I32, texts: _Texts) -> int:
    data, start, length = texts
    first = True
    for row in because:
        if row < 0 or length[row] == 0:
            continue
        if not first:
            out[at] = _COMMA
            at += 1
        first = False
        at = quoted(out, at, data, start[row], start[row] + length[row])
    return at
