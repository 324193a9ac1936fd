"""Windows worked out in plain Python, and packed states read by the documented layout alone."""

import struct
from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

MASK = (1 << 64) - 1
LENGTH = 256
SESSION_GAP = 1800.0  # s
MAX_AGE = 365 * 86_400  # s
SESSION_START = 128


class Click(NamedTuple):
    """One row of the file."""

    number: int  # from 1
    user: bytes
    item: bytes
    time: int  # ms


class Window(NamedTuple):
    """What a user just did, oldest first."""

    newest: int  # ms
    source: int  # hash of what the ids are numbered by
    number: int  # newest of the source
    session: int  # hash; 0 where none was given
    items: tuple[int, ...]  # hashes
    times: tuple[int, ...]  # s
    flags: tuple[int, ...]


def hashed(text: bytes) -> int:
    """FNV-1a, 64 bits, finished by splitmix64."""
    state = 0xCBF29CE484222325
    for byte in text:
        state = (state ^ byte) * 0x100000001B3 & MASK
    state = state + 0x9E3779B97F4A7C15 & MASK
    state = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 & MASK
    state = (state ^ state >> 27) * 0x94D049BB133111EB & MASK
    return state ^ state >> 31


def windows(clicks: Iterable[Click], source: bytes, kind: int) -> dict[bytes, Window]:
    """Of every user, from rows in ascending time that all count; all events are of one kind."""
    seen: dict[bytes, list[Click]] = {}
    for click in clicks:
        seen.setdefault(click.user, []).append(click)
    return {user: _window(some, hashed(source), kind) for user, some in seen.items()}


def _window(clicks: list[Click], source: int, kind: int) -> Window:
    flags = [kind | SESSION_START] + [
        kind | (SESSION_START if after.time - before.time > 1000 * SESSION_GAP else 0)
        for before, after in pairwise(clicks)
    ]
    last = clicks[-1]
    oldest = last.time // 1000 - MAX_AGE
    kept = [
        (hashed(click.item), click.time // 1000, flag)
        for click, flag in zip(clicks, flags, strict=True)
        if click.time // 1000 >= oldest
    ][-LENGTH:]
    items, times, flags_kept = zip(*kept, strict=True)
    return Window(last.time, source, last.number, 0, items, times, flags_kept)


def unpacked(state: bytes) -> Window:
    """A packed state, by the layout in contracts/users.py."""
    version, ids, length, numbers = struct.unpack_from("<BBHI", state)
    seen, hidden = divmod(numbers, 1 << 12)
    newest, _, source, number, session = struct.unpack_from("<qqQqQ", state, 8)
    _, encoded = struct.unpack_from("<IH", state, 48)
    items_at = 56
    times_at = items_at + 8 * length
    flags_at = times_at + _padded(4 * length)
    end = flags_at + _padded(length) + 8 * ids + _padded(2 * hidden) + _padded(2 * encoded) + 8 * seen
    assert (version, len(state)) == (3, end)
    return Window(
        newest,
        source,
        number,
        session,
        struct.unpack_from(f"<{length}Q", state, items_at),
        struct.unpack_from(f"<{length}I", state, times_at),
        struct.unpack_from(f"<{length}B", state, flags_at),
    )


def _padded(size: int) -> int:
    return size + -size % 8
