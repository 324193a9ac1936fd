"""The users of one partition: their windows, ids and what they had, in arrays that grow as users come."""

import numpy as np

from streamproc.config import Config
from streamproc.contracts.columns import EventColumns
from streamproc.contracts.users import ENCODER_AT, MARK, VECTOR_BITS, VERSION
from streamproc.engine import ids, packing, seen, window_arrays
from streamproc.engine.window_arrays import (
    EVICTED,
    FREE_PAGES,
    LATER,
    LENGTH,
    NONE,
    PAGE,
    PAGES,
    PER_PAGE,
    USERS,
    WHOLE,
)
from streamproc.errors import BadRecord
from streamproc_models.arrays import I32, I64, U8, U64, Bool, stretched
from streamproc_models.hashing import find_all, hash_strings, put
from streamproc_models.kernel import tight

FIRST_ROWS = 1024


class Windows:
    """What one lease of a worker, or one partition of the trainer, knows of its users."""

    def __init__(self, config: Config, partitions: int | None = None) -> None:
        partitions = partitions or config.kafka.partitions
        self.limit = -(-config.users.max // partitions)
        self.ignored = ignored_kinds(config)
        rows = min(self.limit, FIRST_ROWS)
        self.arrays = _empty(config, rows, self.limit)
        self.names = ids.empty(rows)
        self.seen = seen.empty(rows)

    @property
    def count(self) -> int:
        """Users known now."""
        return int(self.arrays.counters[USERS])

    @property
    def evicted(self) -> int:
        """Users forgotten to keep the bound."""
        return int(self.arrays.counters[EVICTED])

    @property
    def rows(self) -> int:
        """Rows there are arrays for."""
        return int(self.arrays.user.size)

    @property
    def pages(self) -> int:
        """Pages that hold entries of windows."""
        return int(self.arrays.counters[PAGES] - self.arrays.counters[FREE_PAGES])

    def reserve(self, events: int, text: int) -> None:
        """Room for as many newcomers as a batch of `events` events can bring, with `text` bytes of ids."""
        needed = min(self.limit, self.count + events)
        if needed > self.rows:
            self.resize(min(self.limit, max(needed, 2 * self.rows)))
        self.reserve_pages(events)
        self.names = ids.reserve(self.names, self.rows, text)
        self.seen = seen.reserve(self.seen, self.rows, 0)

    def reserve_pages(self, more: int) -> None:
        """Room for so many more pages of windows: an event takes one at most."""
        needed, room = self.pages + more, len(self.arrays.items)
        if needed > room:
            self.arrays = _with_pages(self.arrays, max(needed, 2 * room))

    def resize(self, rows: int) -> None:
        """Arrays for `rows` users, at least as many as now."""
        if rows > self.rows:
            self.arrays = _grown(self.arrays, rows)
        self.names = ids.reserve(self.names, self.rows, 0)
        self.seen = seen.reserve(self.seen, self.rows, 0)

    def hold_encoded(self) -> None:
        """From here on there is an encoder, and room for every user's state of it; not before."""
        if self.arrays.encoder.size == 0:
            self.arrays = _with_encoded(self.arrays, self.rows)

    @property
    def used(self) -> int:
        """Rows that hold a user or are chained as free: all behind them have never been used."""
        return int(np.flatnonzero(self.names.length)[-1]) + 1 if self.names.length.any() else 0

    def find(self, users: U64) -> I32:
        """Rows (n,) of users given by their hashes; -1 for strangers."""
        out = np.empty(users.size, np.int32)
        find_all(self.arrays.keys, self.arrays.rows, users, out)
        return out

    def user_ids(self, rows: I32) -> list[bytes]:
        """The ids of some rows."""
        return ids.text(self.names, rows)

    def active(self, since: int) -> I32:
        """Rows of the users whose newest event is not older than `since` (ms)."""
        w = self.arrays
        return np.flatnonzero((w.user != 0) & (w.newest >= since)).astype(np.int32)

    def newest(self, rows: I32) -> I64:
        """Event time of the newest event, ms."""
        return self.arrays.newest[rows]

    def offsets(self, rows: I32) -> I64:
        """Source offset of the last accepted event."""
        return self.arrays.offset[rows]

    def pack(self, rows: I32) -> list[bytes]:
        """The states of some rows as they travel."""
        ends = np.empty(rows.size, np.int64)
        words = packing.measure(self.arrays, self.seen, rows, ends)
        buffer = np.zeros(words, np.uint64)
        packing.pack(
            self.arrays, self.seen, rows, ends,
            buffer, buffer.view(np.uint32), buffer.view(np.int16), buffer.view(np.uint8),
        )  # fmt: skip
        whole, stops = buffer.tobytes(), (8 * ends).tolist()
        return [whole[a:b] for a, b in zip([0, *stops], stops, strict=False)]

    def load(self, states: dict[bytes, bytes]) -> None:
        """Takes users in from their packed states, {id: state}; MARK is passed over.

        Raises BadRecord where a state is of another version.
        """
        names = [name for name in states if name != MARK]
        if not names:
            return
        values = [states[name] for name in names]
        buffer = np.frombuffer(b"".join(values), np.uint64)
        starts = np.cumsum([0, *map(len, values[:-1])]) // 8
        _check_versions(buffer.view(np.uint8)[8 * starts])
        text = np.frombuffer(b"".join(names), np.uint8)
        ends = np.cumsum([len(name) for name in names])
        self.reserve(len(names), text.size)
        lengths = buffer.view(np.uint16)[4 * starts + 1].astype(np.int64)
        self.reserve_pages(int((-(-np.minimum(lengths, self.arrays.bounds[LENGTH]) // PAGE)).sum()))
        if buffer.view(np.uint32)[2 * starts + ENCODER_AT].any():
            self.hold_encoded()
        had = int((buffer.view(np.uint32)[2 * starts + 1] >> VECTOR_BITS).sum())
        self.seen = seen.reserve(self.seen, self.rows, had)
        order = np.argsort(buffer[starts + 2].astype(np.int64), kind="stable")
        packing.unpack(
            self.arrays, self.seen, self.names, order, starts, hash_strings(text, ends), text, ends,
            buffer, buffer.view(np.uint32), buffer.view(np.int16), buffer.view(np.uint8),
        )  # fmt: skip


def room_for(columns: EventColumns) -> int:
    """Bytes of user ids in a micro-batch."""
    return int(columns.user_ids.data.size)


def ignored_kinds(config: Config) -> Bool:
    """Which kinds of events are counted but change nothing; (64,), by index of the sorted type names."""
    ignored = np.zeros(64, np.bool_)
    for kind, name in enumerate(sorted(config.events.types)):
        ignored[kind] = config.events.types[name].ignore
    return ignored


def _empty(config: Config, rows: int, limit: int) -> window_arrays.Windows:
    table = _table_size(rows)
    window, vectors = config.window, config.heads.gru.size + config.heads.factors.size
    seconds = window.max_age, window.session_gap, window.late_allowance
    bounds = np.array([*(1000 * bound for bound in seconds), window.length], np.int64)
    return window_arrays.Windows(
        np.zeros(table, np.uint64), np.zeros(table, np.int32), np.zeros(rows, np.uint64),
        np.zeros(rows, np.int64), np.zeros(rows, np.int64),
        np.zeros(rows, np.uint64), np.zeros(rows, np.int64), np.zeros(rows, np.uint64),
        np.zeros(rows, np.int16),
        np.zeros(rows, np.int32), np.zeros(rows, np.uint8), np.zeros(rows, np.int32),
        np.zeros((rows, window.event_ids), np.uint64), np.zeros((rows, vectors), np.int16),
        np.zeros(0, np.int32), np.zeros((0, config.refresh.encoder.size), np.int16),
        np.zeros(rows, np.int32), np.zeros(rows, np.int32),
        np.zeros(rows, np.int32), np.zeros((rows, PAGE), np.uint64), np.zeros((rows, PAGE), np.uint32),
        np.zeros((rows, PAGE), np.uint8),
        np.array([0, NONE, NONE, NONE, 0, limit, 0, NONE, 0], np.int64), bounds,
    )  # fmt: skip


def _table_size(rows: int) -> int:
    return 1 << max(6, (2 * rows - 1).bit_length())


def _grown(w: window_arrays.Windows, rows: int) -> window_arrays.Windows:
    table = _table_size(rows)
    wider = {}
    for name, array in w._asdict().items():
        if name in ("keys", "rows"):
            wider[name] = np.zeros(table, array.dtype)
        elif name not in PER_PAGE | WHOLE and not (name in LATER and len(array) == 0):
            wider[name] = stretched(array, rows, len(array))
    grown = w._replace(**wider)
    rehash(grown)
    return grown


def _with_pages(w: window_arrays.Windows, pages: int) -> window_arrays.Windows:
    used = int(w.counters[PAGES])
    return w._replace(**{name: stretched(getattr(w, name), pages, used) for name in PER_PAGE})


def _with_encoded(w: window_arrays.Windows, rows: int) -> window_arrays.Windows:
    return w._replace(**{name: stretched(getattr(w, name), rows, 0) for name in LATER})


def _check_versions(versions: U8) -> None:
    if (versions != VERSION).any():
        other = int(versions[versions != VERSION][0])
        raise BadRecord(
            f"user states of version {other}; this version reads {VERSION}",
            "Take another kafka.prefix: topics of another version cannot be used",
        )


def rehash(w: window_arrays.Windows) -> None:
    """Makes the hash table anew from the rows in use."""
    w.keys[:] = 0
    _rehash(w.user, w.keys, w.rows)


@tight
def _rehash(users: U64, keys: U64, rows: I32) -> None:
    for row in range(users.size):
        if users[row] != 0:
            put(keys, rows, users[row], row)
