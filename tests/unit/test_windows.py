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
from streamproc.engine import window_arrays, window_pages
from streamproc.engine.acceptance import Acceptance
from streamproc.engine.window_arrays import PAGE, RING, SHORT_TERM
from streamproc.engine.windows import Windows
from streamproc.errors import BadRecord
from streamproc_models.hashing import hash64, put
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

    def __init__(self, config=CONFIG):
        self.window, self.users = config.window, config.users.max
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
        return LATE if event.second < person.newest - self.window.late_allowance else ACCEPTED

    def observe(self, event, offset):
        """The outcome of one event, which is kept if it is accepted."""
        key = event.key or f"event {offset}"
        outcome = self.judge(event, key)
        if outcome == ACCEPTED:
            self.keep(event, key, offset)
        return outcome

    def keep(self, event, key, offset):
        if event.user not in self.people and len(self.people) == self.users:
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
        if place > 0 or len(person.entries) < self.window.length:
            person.entries.insert(place, (event.second, event.item, mark))
            del person.entries[: -self.window.length]
            person.newest = max(person.newest, event.second)
            while len(person.entries) > 1 and person.entries[0][0] < person.newest - self.window.max_age:
                del person.entries[0]

    def opens(self, person, event):
        if not person.entries:
            person.session = event.session
            return True
        if event.second < person.newest:
            return False
        other = event.session not in ("", person.session)
        person.session = event.session or person.session
        return other or event.second - person.newest > self.window.session_gap


def unpacked(state):
    """What contracts/users.py says lies in a packed state."""
    version, ids, length, numbers = struct.unpack_from("<BBHI", state)
    seen, hidden = divmod(numbers, 1 << 12)
    newest, offset, source, number, session = struct.unpack_from("<qqQqQ", state, 8)
    encoder = struct.unpack_from("<IH", state, 48)
    at = 56
    sections = []
    for code, count in (("Q", length), ("I", length), ("B", length), ("Q", ids), ("h", hidden), ("Q", seen)):
        section = struct.unpack_from(f"<{count}{code}", state, at)
        sections.append(section)
        at += -(-struct.calcsize(f"<{count}{code}") // 8) * 8
    assert (version, at, encoder) == (3, len(state), (0, 0))
    return (newest, offset, source, number, session, *sections)


def wanted(person):
    """The same, of the oracle."""
    seconds, items, marks = zip(*person.entries, strict=True)
    source, number = person.source
    hash_of = lambda name: hash64(name.encode()) if name else 0  # noqa: E731
    return (
        1000 * person.newest, person.offset, hash_of(source), number, hash_of(person.session),
        tuple(hash_of(item) for item in items), seconds, marks, tuple(hash_of(key) for key in person.keys),
        (0,) * (CONFIG.heads.gru.size + CONFIG.heads.factors.size), (),
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


def long_config(length, max_age=10_000):
    """Windows of `length` entries, for at most three users."""
    window = WindowConfig(
        length=length, max_age=max_age, session_gap=GAP, late_allowance=ALLOWANCE, event_ids=IDS
    )
    return Config(window=window, users=UsersConfig(max=USERS))


def long_stream(seed, count):
    """Mostly one after the other, now and then late; most of them of two users, the others come and go."""
    random, second, found = np.random.default_rng(seed), 1000, []
    for _ in range(count):
        second += int(random.choice([0, 1, 3, 30]))
        user = random.choice(["ann", "bob", "cid", "dan", "eve"], p=[0.48, 0.48, 0.02, 0.01, 0.01])
        item, late = f"item {random.integers(12)}", int(random.choice([0, 0, 5, 40]))
        strength = float(random.random() < 0.8)
        session = str(random.choice(["", "", "", "morning", "evening"]))
        found.append(Event(str(user), item, second - late, strength, session=session))
    return found


def pages_of(w, row):
    """The circle of a user's pages, from the newest on."""
    found = [int(w.page[row])]
    while (page := int(w.older[found[-1]])) != found[0]:
        found.append(page)
    return found


lengths = st.sampled_from([1, 31, 32, 33, 64, 65, 100, 256])
long_streams = st.builds(long_stream, st.integers(0, 1 << 32), st.integers(0, 900))


@settings(max_examples=40)
@given(lengths, st.sampled_from([500, 10_000]), long_streams)
def test_long_windows_do_what_they_promise(length, max_age, stream):
    """Over several pages, some of them of users who are gone; no page is anybody else's, and none is lost."""
    config = long_config(length, max_age)
    oracle, acceptance = Oracle(config), Acceptance(config)

    expected = [oracle.observe(event, offset) for offset, event in enumerate(stream)]
    outcomes = [acceptance.observe(columns(stream[at : at + 50], at)) for at in range(0, len(stream), 50)]

    assert [outcome for some in outcomes for outcome in some.tolist()] == expected
    states = {name.decode(): unpacked(state) for name, state in packed(acceptance.windows).items()}
    assert states == {name: wanted(person) for name, person in oracle.people.items()}
    w = acceptance.windows.arrays
    held = [pages_of(w, row) for row in np.flatnonzero(w.user)]
    assert max(map(len, held), default=0) <= -(-length // PAGE)
    assert sum(map(len, held)) == len({page for some in held for page in some}) == acceptance.windows.pages


def looked_at(windows, user, known, most=RING):
    """`newest_first` of one user: (item, second, session) of what was liked, and what was not."""
    keys, rows = np.zeros(64, np.uint64), np.zeros(64, np.int32)
    for number, item in enumerate(hashes(known)):
        put(keys, rows, item, number)
    items, disliked, sessions = (np.full(RING, -1, np.int32) for _ in range(3))
    times = np.zeros(RING, np.int64)
    row = int(windows.find(hashes([user]))[0])
    liked, against = window_pages.newest_first(
        windows.arrays, row, most, keys, rows, items, times, sessions, disliked
    )
    found = zip(items[:liked].tolist(), times[:liked].tolist(), sessions[:liked].tolist(), strict=True)
    return [(known[item], *rest) for item, *rest in found], [known[item] for item in disliked[:against]]


def by_hand(person, known):
    """The same, of the oracle."""
    liked, disliked, session = [], [], 0
    for back, (second, item, mark) in enumerate(reversed(person.entries)):
        if item in known and mark & NEGATIVE:
            disliked += [item] if back < SHORT_TERM else []
        elif item in known:
            liked.append((item, second, session))
        session += mark >= OPENS
    return liked, disliked


@settings(max_examples=40)
@given(lengths, long_streams, st.integers(1, 70))
def test_a_window_is_read_newest_first_with_times_and_sessions(length, stream, most):
    """What is disliked or unknown can begin a session, too; a dislike counts for the short term."""
    config, known = long_config(length), [f"item {number}" for number in range(10)]
    oracle, acceptance = Oracle(config), Acceptance(config)
    for offset, event in enumerate(stream):
        oracle.observe(event, offset)
    acceptance.observe(columns(stream))

    for user, person in oracle.people.items():
        liked, disliked = by_hand(person, known)
        assert looked_at(acceptance.windows, user, known) == (liked, disliked)
        some, against = looked_at(acceptance.windows, user, known, most)
        assert (some, against) == (liked[:most], disliked[: len(against)])


@settings(max_examples=20)
@given(lengths, lengths, long_streams, st.integers(0, 900))
def test_long_states_fit_into_other_windows(before, after, stream, stop):
    """Of a longer window the newest entries are kept; then it goes on as if it had been no longer before."""
    first, second = Acceptance(long_config(before)), Acceptance(long_config(after))
    first.observe(columns(stream[:stop]))

    second.windows.load(packed(first.windows))

    for name, state in packed(first.windows).items():
        sections = [section[-after:] for section in unpacked(state)[5:8]]
        assert list(unpacked(packed(second.windows)[name])[5:8]) == sections
    if after == before:
        rest = columns(stream[stop:], stop)
        assert second.observe(rest).tolist() == first.observe(rest).tolist()
        assert packed(second.windows) == packed(first.windows)


def test_pages_of_who_is_gone_are_used_again():
    """A thousand users of 70 events each, of whom three are kept: nine pages, whoever it is."""
    acceptance = Acceptance(long_config(256))
    for number in range(1000):
        acceptance.observe(columns([(f"user {number}", "tea")] * 70, 70 * number))

    assert acceptance.windows.pages == 9
    assert acceptance.windows.arrays.counters[window_arrays.PAGES] == 9


def test_states_of_another_version_are_refused():
    """By name, and not by what their bytes would give."""
    windows = Windows(CONFIG)

    with pytest.raises(BadRecord, match="user states of version 1; this version reads 3"):
        windows.load({b"ann": bytes([1]) + bytes(63)})


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
