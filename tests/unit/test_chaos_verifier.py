"""The verifier: right where all is right, and not fooled by planted bugs."""

import ast
import json
import random
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import streamproc.chaos
from streamproc.chaos.evidence import Evidence, Journalled, Letter, State, journalled, state
from streamproc.chaos.reckoning import Place, Sent, User, reckon
from streamproc.chaos.running import rules
from streamproc.chaos.schedule import FAULTS, plan
from streamproc.chaos.verifying import verify
from streamproc.commands.chaos import NAMES
from streamproc.config import Config
from streamproc.contracts.events import Decoder
from streamproc.contracts.journal import pack_events
from streamproc.engine.acceptance import Acceptance

RULES = rules(Config())
NOW = 1_700_000_000_000


class Bugs(NamedTuple):
    """What a pipeline may do wrong."""

    drops_a_record: bool = False
    applies_one_twice: bool = False
    two_appends_in_flight: bool = False


def click(user: int, number: int, second: int, item: str = "tea") -> bytes:
    return json.dumps(
        {
            "type": "click",
            "user_id": f"u{user}",
            "item_id": item,
            "ts": NOW + 1000 * second,
            "event_id": f"e{number}",
        }
    ).encode()


def stream(seed: int, count: int = 200) -> list[Sent]:
    """One partition: new events, repeated ones, and some that are none."""
    chance, values = random.Random(seed), []
    for number in range(count):
        values.append(click(chance.randrange(6), number, number, chance.choice("abc")))
        if chance.random() < 0.2:
            values.append(chance.choice([values[-1], b"{", b"null"]))
    return [Sent(0, offset, NOW + 10**6, b"k", value) for offset, value in enumerate(values)]


def pipeline(events: list[Sent], seed: int, bugs: Bugs) -> Evidence:
    """Workers that die and zombies that still write, by the rules of leases and journal, or against them."""
    chance = random.Random(seed)
    accepted = reckon(events, RULES).accepted.get(0, [])
    journal: list[Journalled] = []
    late: list[Journalled] = []  # appends of zombies, which arrive when they like
    at = -1
    while at < len(events) - 1:
        upto = min(at + chance.randint(1, 20), len(events) - 1)
        record = Journalled(0, at, upto, tuple(e for e in accepted if at < e.offset <= upto))
        fate = chance.random()
        if fate < 0.15:  # it arrives, but the worker dies before it knows: the next one reads the journal
            journal.append(record)
            at = upto
        elif fate < 0.3:
            late.append(record)  # the lease is dead; another takes over from where the journal ends
        else:
            journal.append(record)
            at = upto
        if late and chance.random() < 0.4:
            journal.append(late.pop(0))
    return _evidence(journal + late, events, bugs, chance)


def _evidence(journal: list[Journalled], events: list[Sent], bugs: Bugs, chance: random.Random) -> Evidence:
    reckoned = reckon(events, RULES)
    if bugs.drops_a_record:
        del journal[next(n for n, record in enumerate(journal) if record.events)]
    if bugs.applies_one_twice:
        number = next(n for n, record in enumerate(journal) if record.events)
        first = journal[number]
        journal[number] = first._replace(events=(first.events[0], *first.events))
    if bugs.two_appends_in_flight:
        number = next(n for n in range(len(journal) - 1) if journal[n].events and journal[n + 1].events)
        journal[number], journal[number + 1] = journal[number + 1], journal[number]
    users = {name: as_state(user) for name, user in reckoned.users.items()}
    letters = [
        Letter(place, "late" if outcome == "late" else "bad", events[place.offset].value)
        for place, outcome in reckoned.outcomes.items()
        if outcome in ("rejected", "late")
    ]
    return Evidence(journal, users, letters, reckoned.count("accepted"))


def as_state(user: User) -> State:
    """As the trainer publishes it."""
    return State(
        user.newest, user.offset, user.source, user.number, user.session, list(user.window), list(user.ids)
    )


def judged(events: list[Sent], evidence: Evidence):
    values = {Place(sent.partition, sent.offset): sent.value for sent in events}
    return verify(reckon(events, RULES), values, evidence)


@given(st.integers(0, 10**6))
@settings(max_examples=60, deadline=None)
def test_whoever_dies_and_whatever_zombies_write_the_rules_hold(seed):
    """A random history of leases, without Kafka: nothing lost, nothing twice, in the right order."""
    events = stream(seed % 50)

    verdict = judged(events, pipeline(events, seed, Bugs()))

    assert verdict.right, verdict.complaints


@pytest.mark.parametrize("bug", ["drops_a_record", "applies_one_twice", "two_appends_in_flight"])
@pytest.mark.parametrize("seed", range(5))
def test_a_planted_bug_of_a_worker_is_found(bug, seed):
    """Each in every history."""
    events = stream(seed)

    verdict = judged(events, pipeline(events, seed, Bugs(**{bug: True})))

    assert not verdict.right
    assert verdict.complaints


def test_a_restore_that_leaves_out_the_journal_s_tail_is_found():
    """The next worker begins behind what the journal has: its users are those of an earlier moment."""
    events = stream(1)
    whole = pipeline(events, 1, Bugs())
    earlier = reckon(events[:100], RULES).users
    users = {name: as_state(user) for name, user in earlier.items()}

    verdict = judged(events, whole._replace(users=users))

    assert verdict.users_differing > 0 and not verdict.right


def weakly_learned(journal: list[Journalled]) -> int:
    """Events that a reader counts who takes a record only where `prev == highest`."""
    highest, learned = -1, 0
    for record in journal:
        if record.prev == highest:
            learned, highest = learned + len(record.events), record.upto
    return learned


def test_a_reader_that_takes_only_what_follows_exactly_is_found():
    """A zombie's append may come just before its successor's, and overlap it: such a reader never goes on."""
    stuck = 0
    for seed in range(30):
        events = stream(seed)
        evidence = pipeline(events, seed, Bugs())
        learned = weakly_learned(evidence.journal)
        verdict = judged(events, evidence._replace(learned=learned))
        assert verdict.right == (learned == evidence.learned)
        stuck += not verdict.right

    assert stuck > 0


@pytest.mark.parametrize(
    "change",
    [
        {"newest": 1}, {"offset": 1}, {"session": 7}, {"window": []}, {"number": 5}, {"ids": []},
    ],
)  # fmt: skip
def test_one_wrong_number_of_one_user_is_found(change):
    """In any field of the state."""
    events = stream(3)
    evidence = pipeline(events, 3, Bugs())
    name = next(iter(evidence.users))
    evidence.users[name] = evidence.users[name]._replace(**change)

    verdict = judged(events, evidence)

    assert verdict.users_differing == 1


def test_dead_letters_are_all_there_with_their_bytes():
    """One that is missing, one with other bytes, and one of an event that was fine."""
    events = stream(4)
    evidence = pipeline(events, 4, Bugs())
    first, second, *others = evidence.letters

    missing = judged(events, evidence._replace(letters=[second, *others]))
    changed = judged(events, evidence._replace(letters=[first._replace(value=b"x"), second, *others]))
    strange = judged(events, evidence._replace(letters=[*evidence.letters, Letter(Place(0, 0), "bad", b"")]))

    assert missing.letters_missing == 1
    assert changed.letters_wrong == 1
    assert strange.letters_wrong == 1


def test_what_the_product_packs_is_read_as_it_was_written():
    """Users' states and journal records by their documented layouts alone; with ids of all three sorts."""
    config = Config()
    values = [click(1, number, 60 * number, item) for number, item in enumerate("abca")]
    ids = (b'"event_id": "e1"', b'"event_id": "seq:s:4"'), (b', "event_id": "e2"', b"")
    values[1], values[2] = values[1].replace(*ids[0]), values[2].replace(*ids[1])
    events = [Sent(2, offset, NOW + 10**6, b"k", value) for offset, value in enumerate(values)]
    offsets, times = np.arange(len(values)), np.full(len(values), NOW + 10**6)
    columns, _ = Decoder(config.events).decode(values, offsets, times, 2)
    acceptance = Acceptance(config)
    acceptance.observe(columns)
    packed = acceptance.windows.pack(np.zeros(1, np.int32))[0]
    reckoned = reckon(events, RULES)

    assert state(packed) == as_state(reckoned.users[b"u1"])
    (record,) = journalled([pack_events(2, -1, 3, columns)])
    assert record == Journalled(2, -1, 3, tuple(reckoned.accepted[2]))


def test_an_offset_that_was_given_to_another_event_is_found():
    """The journal speaks of the first one, the topic holds the second."""
    events = stream(6)
    evidence = pipeline(events, 6, Bugs())
    number = next(n for n, record in enumerate(evidence.journal) if record.events)
    first, *others = evidence.journal[number].events
    evidence.journal[number] = evidence.journal[number]._replace(events=(first._replace(item=7), *others))

    verdict = judged(events, evidence)

    assert (verdict.lost, verdict.twice, verdict.wrong) == (0, 0, 1)
    assert not verdict.right


def test_the_verifier_shares_nothing_with_what_it_checks():
    """No engine, no worker, no trainer, no compiled code: plain Python over bytes."""
    folder = Path(streamproc.chaos.__file__).parent
    for name in ("reckoning", "evidence", "verifying"):
        tree = ast.parse((folder / f"{name}.py").read_text())
        imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert all(
            not m.startswith("streamproc") or m.startswith("streamproc.chaos.") for m in imported if m
        ), name


def test_a_seed_gives_the_same_schedule():
    """And every named fault is one."""
    faults = ("kill-worker", "kill-broker", "cut-long")

    assert plan(3, faults, 7, 1000) == plan(3, faults, 7, 1000)
    assert plan(3, faults, 7, 1000) != plan(4, faults, 7, 1000)
    assert {each.fault for each in plan(3, faults, 7, 1000)} == set(faults)
    assert set(NAMES) == set(FAULTS)
