"""Users' windows against a plain-Python model of what they promise."""

import struct
from collections import deque

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamproc.config import Config, EventsConfig, UsersConfig, WindowConfig
from streamproc.contracts.columns import ACCEPTED, DUPLICATE, IGNORED, LATE, select
from streamproc.contracts.users import MARK
from streamproc.engine.acceptance import Acceptance
from streamproc.engine.windows import Windows
from streamproc_models.hashing import hash64
from tests.event_columns import Event, columns, hashes

MAX_AGE, GAP, ALLOWANCE = 100, 20, 30  # s
LENGTH, IDS, USERS = 4, 3, 3
CONFIG = Config(
    window=WindowConfig(
        length=LENGTH, max_age=MAX_AGE, session_gap=GAP, late_allowance=ALLOWANCE, event_ids=IDS
    ),
    users=UsersConfig(max=USERS),
)
IGNORED_KIND = sorted(EventsConfig().types).index("impression")
NEGATIVE, OPENS = 64, 128


class Person:
    """What is kept of one user."""

    def __init__(self):
        self.entries, self.keys = [], deque(maxlen=IDS)
        self.newest, self.offset, self.session, self.source = 0, -1, "", ("", -1)


class Oracle:
    """The promises, in a dictionary from the coldest to the most recently active user."""

    def __init__(self):
        self.people = {}

    def judge(self, event, key):
        person = self.people.get(event.user)
        if event.kind == IGNORED_KIND:
            return IGNORED
        if person is None:
            return ACCEPTED
        source, number = person.source
        known = key == source and event.sequence <= number if event.sequence >= 0 else key in person.keys
        if known:
            return DUPLICATE
        return LATE if event.second < person.newest - ALLOWANCE else ACCEPTED

    def observe(self, event, offset):
        """The outcome of one event, which is kept if it is accepted."""
        key = event.key or f"event {offset}"
        outcome = self.judge(event, key)
        if outcome == ACCEPTED:
            self.keep(event, key, offset)
        return outcome

    def keep(self, event, key, offset):
        if event.user not in self.people and len(self.people) == USERS:
            del self.people[next(iter(self.people))]
        person = self.people.pop(event.user, None) or Person()
        self.people[event.user] = person
        if event.sequence >= 0:
            person.source = (key, event.sequence)
        else:
            person.keys.append(key)
        person.offset = offset
        mark = event.kind + NEGATIVE * (event.strength <= 0) + OPENS * self.opens(person, event)
        place = sum(second <= event.second for second, _, _ in person.entries)
        if place > 0 or len(person.entries) < LENGTH:
            person.entries.insert(place, (event.second, event.item, mark))
            del person.entries[:-LENGTH]
            person.newest = max(person.newest, event.second)
            while len(person.entries) > 1 and person.entries[0][0] < person.newest - MAX_AGE:
                del person.entries[0]

    def opens(self, person, event):
        if not person.entries:
            person.session = event.session
            return True
        if event.second < person.newest:
            return False
        other = event.session not in ("", person.session)
        person.session = event.session or person.session
        return other or event.second - person.newest > GAP


def unpacked(state):
    """What contracts/users.py says lies in a packed state."""
    version, length, ids, hidden, seen = struct.unpack_from("<BBBBI", state)
    newest, offset, source, number, session = struct.unpack_from("<qqQqQ", state, 8)
    at = 48
    sections = []
    for code, count in (("Q", length), ("I", length), ("B", length), ("Q", ids), ("h", hidden), ("Q", seen)):
        section = struct.unpack_from(f"<{count}{code}", state, at)
        sections.append(section)
        at += -(-struct.calcsize(f"<{count}{code}") // 8) * 8
    assert (version, at) == (1, len(state))
    return (newest, offset, source, number, session, *sections)


def wanted(person):
    """The same, of the oracle."""
    seconds, items, marks = zip(*person.entries, strict=True)
    source, number = person.source
    hash_of = lambda name: hash64(name.encode()) if name else 0  # noqa: E731
    return (
        1000 * person.newest, person.offset, hash_of(source), number, hash_of(person.session),
        tuple(hash_of(item) for item in items), seconds, marks, tuple(hash_of(key) for key in person.keys),
        (0,) * CONFIG.heads.gru.size, (),
    )  # fmt: skip


def packed(windows):
    """Everybody's state by id."""
    rows = np.flatnonzero(windows.arrays.user).astype(np.int32)
    return dict(zip(windows.user_ids(rows), windows.pack(rows), strict=True))


def events(users, items, seconds, keys, numbers, sessions, kinds, strengths):
    """One event, each of its fields one of the given."""
    fields = (users, items, seconds, strengths, keys, numbers, sessions, kinds)
    return st.tuples(*(st.sampled_from(field) for field in fields)).map(Event._make)


plain = events(
    users=["ann", "bob", "cid", "dan"],
    items=["tea", "cup", "spoon"],
    seconds=range(200, 400),
    keys=["", "", "a", "b"],
    numbers=[-1],
    sessions=["", "", "morning", "evening"],
    kinds=[1, 1, 1, 5, IGNORED_KIND],
    strengths=[1.0, 1.0, 0.0, -1.0],
)
sequenced = events(
    users=["ann", "bob"],
    items=["tea", "cup"],
    seconds=range(200, 240),
    keys=["x", "y"],
    numbers=range(6),
    sessions=[""],
    kinds=[1],
    strengths=[1.0],
)
streams = st.lists(st.one_of(plain, plain, sequenced), max_size=60)


@settings(max_examples=150)
@given(streams)
def test_windows_do_what_they_promise(stream):
    """Outcomes, order, bounds, session marks, remembered ids, and who has to make room for whom."""
    oracle, acceptance = Oracle(), Acceptance(CONFIG)

    expected = [oracle.observe(event, offset) for offset, event in enumerate(stream)]
    outcomes = acceptance.observe(columns(stream))

    assert outcomes.tolist() == expected
    states = packed(acceptance.windows)
    assert {name.decode(): unpacked(state) for name, state in states.items()} == {
        name: wanted(person) for name, person in oracle.people.items()
    }


@settings(max_examples=60)
@given(streams, st.integers(0, 60))
def test_loaded_states_go_on_as_if_nothing_had_happened(stream, stop):
    """Packed, loaded elsewhere, packed again: the same bytes, then and after further events."""
    first, second = Acceptance(CONFIG), Acceptance(CONFIG)
    first.observe(columns(stream[:stop]))

    second.windows.load(packed(first.windows) | {MARK: b""})

    assert packed(second.windows) == packed(first.windows)
    rest = columns(stream[stop:], first=stop)
    assert second.observe(rest).tolist() == first.observe(rest).tolist()
    assert packed(second.windows) == packed(first.windows)


@settings(max_examples=60)
@given(streams, st.integers(1, 60))
def test_micro_batches_do_not_matter(stream, size):
    """The same states, however the events were cut."""
    whole, pieces = Acceptance(CONFIG), Acceptance(CONFIG)
    whole.observe(columns(stream))

    for start in range(0, len(stream), size):
        pieces.observe(columns(stream[start : start + size], first=start))

    assert packed(pieces.windows) == packed(whole.windows)


def test_growth_keeps_everything():
    """3,000 users in batches of 500, from 1,024 rows up."""
    acceptance = Acceptance(Config(users=UsersConfig(max=5000)))
    for start in range(0, 3000, 500):
        acceptance.observe(
            columns([(f"user {n}", f"item {n % 7}") for n in range(start, start + 500)], start)
        )

    windows = acceptance.windows
    rows = windows.find(hashes([f"user {n}" for n in range(3000)]))
    assert (windows.count, windows.evicted) == (3000, 0)
    assert windows.user_ids(rows) == [b"user %d" % n for n in range(3000)]
    assert windows.offsets(rows).tolist() == list(range(3000))
    assert unpacked(windows.pack(rows[2999:])[0])[5] == (hash64(b"item %d" % (2999 % 7)),)


def test_the_coldest_is_the_one_who_was_silent_longest():
    """Ann came first, but was there again; so bob makes room for dan."""
    acceptance = Acceptance(CONFIG)

    acceptance.observe(columns([(user, "tea") for user in ("ann", "bob", "cid", "ann", "dan")]))

    assert acceptance.windows.find(hashes(["ann", "bob", "cid", "dan"])).tolist()[1] == -1
    assert (acceptance.windows.count, acceptance.windows.evicted) == (3, 1)


def test_active_users_are_those_with_a_new_enough_event():
    """From the given millisecond on."""
    acceptance = Acceptance(CONFIG)
    acceptance.observe(columns([("ann", "tea", 10), ("bob", "tea", 20), ("cid", "tea", 30)]))
    windows = acceptance.windows

    active = windows.active(20_000)

    assert windows.user_ids(active) == [b"bob", b"cid"]
    assert windows.newest(active).tolist() == [20_000, 30_000]


def test_a_batch_of_refused_events_leaves_no_trace():
    """Ignored ones do not even make a user."""
    acceptance = Acceptance(CONFIG)
    stream = columns([("ann", "tea", 1, 1.0, "", -1, "", IGNORED_KIND)])

    outcomes = acceptance.observe(stream)

    assert outcomes.tolist() == [IGNORED]
    assert acceptance.windows.count == 0
    assert select(stream, outcomes == ACCEPTED).users.size == 0


def test_a_stranger_has_no_row():
    """-1, before and after others came."""
    windows = Windows(CONFIG)

    assert windows.find(hashes(["ann"])).tolist() == [-1]


@pytest.mark.parametrize("shorter", [1, 2])
def test_states_of_a_longer_memory_fit_into_a_shorter_one(shorter):
    """Of the remembered ids the newest are kept."""
    first = Acceptance(CONFIG)
    first.observe(columns([("ann", "tea", None, 1.0, key) for key in "abc"]))
    second = Acceptance(Config(window=WindowConfig(event_ids=shorter), users=UsersConfig(max=USERS)))

    second.windows.load(packed(first.windows))

    again = second.observe(columns([("ann", "tea", None, 1.0, key) for key in "cba"], first=3))
    assert again.tolist() == [DUPLICATE] + [DUPLICATE] * (shorter == 2) + [ACCEPTED] * (3 - shorter)
