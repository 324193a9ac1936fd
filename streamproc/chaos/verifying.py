"""The verdict: what the topics hold against what must have become of the events."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from streamproc.chaos.evidence import Evidence, Journalled, State
from streamproc.chaos.reckoning import (
    ACCEPTED,
    DUPLICATE,
    IGNORED,
    LATE,
    REJECTED,
    Counted,
    Place,
    Reckoned,
    User,
)

SHOWN = 10  # complaints of a kind that are told in full


@dataclass
class Verdict:
    """Numbers of what is right and wrong; `complaints` say where."""

    sent: int = 0
    accepted: int = 0
    duplicate: int = 0
    late: int = 0
    ignored: int = 0
    rejected: int = 0
    lost: int = 0  # events that had to count and do not
    twice: int = 0  # events that count more than once
    wrong: int = 0  # events that count and must not, or in another order
    broken: int = 0  # journal records behind a gap
    users_differing: int = 0
    letters_missing: int = 0
    letters_wrong: int = 0  # other bytes or reason, or of an event that is none of them
    letters_repeated: int = 0  # allowed after a crash only
    learned: int = 0
    complaints: list[str] = field(default_factory=list)

    @property
    def right(self) -> bool:
        """Whether every promise was kept; a repeated dead letter is none."""
        wrong = (self.lost, self.twice, self.wrong, self.broken, self.users_differing)
        return not any((*wrong, self.letters_missing, self.letters_wrong)) and self.learned == self.accepted

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self) | {"right": self.right}


def verify(reckoned: Reckoned, values: dict[Place, bytes | None], evidence: Evidence) -> Verdict:
    """Compare. `values` are the events' bytes, which dead letters must have kept."""
    verdict = Verdict(
        sent=len(reckoned.outcomes),
        accepted=reckoned.count(ACCEPTED),
        duplicate=reckoned.count(DUPLICATE),
        late=reckoned.count(LATE),
        ignored=reckoned.count(IGNORED),
        rejected=reckoned.count(REJECTED),
        learned=evidence.learned,
    )
    _journal(verdict, reckoned, evidence.journal)
    _users(verdict, reckoned.users, evidence.users)
    _letters(verdict, reckoned, values, evidence)
    if verdict.learned != verdict.accepted:
        verdict.complaints.append(f"{verdict.learned} events are learned, {verdict.accepted} were accepted")
    return verdict


def effective(journal: Iterable[Journalled], broken: list[Journalled]) -> dict[int, list[Counted]]:
    """Partition -> events that count, in their order, by the rule; `broken` gets what lies behind gaps."""
    highest: dict[int, int] = {}
    counting: dict[int, list[Counted]] = {}
    for record in journal:
        known = highest.get(record.partition, -1)
        if record.upto <= known:
            continue
        if record.prev > known:
            broken.append(record)
            continue
        counting.setdefault(record.partition, []).extend(e for e in record.events if e.offset > known)
        highest[record.partition] = record.upto
    return counting


def _journal(verdict: Verdict, reckoned: Reckoned, journal: list[Journalled]) -> None:
    broken: list[Journalled] = []
    found = effective(journal, broken)
    verdict.broken = len(broken)
    _complain(
        verdict, "behind a gap in the journal", [f"{r.partition}: ({r.prev}, {r.upto}]" for r in broken]
    )
    for partition in sorted(reckoned.accepted.keys() | found.keys()):
        _partition(verdict, partition, reckoned.accepted.get(partition, []), found.get(partition, []))


def _partition(verdict: Verdict, partition: int, right: list[Counted], there: list[Counted]) -> None:
    """As sets, then what each event says, then as sequences."""
    times, must = Counter(event.offset for event in there), {event.offset: event for event in right}
    lost = [offset for offset in must if not times[offset]]
    twice = [offset for offset, count in times.items() if count > 1]
    strange = [offset for offset in times if offset not in must]
    other = [event.offset for event in there if must.get(event.offset, event) != event]
    verdict.lost += len(lost)
    verdict.twice += len(twice)
    verdict.wrong += len(strange) + len(other)
    if not (lost or twice or strange or other) and right != there:
        verdict.wrong += 1
        verdict.complaints.append(f"partition {partition}: the same events in another order")
    told = ("lost", lost), ("counts twice", twice), ("must not count", strange), ("is another event", other)
    for what, offsets in told:
        _complain(verdict, what, [f"{partition}@{offset}" for offset in offsets])


def _users(verdict: Verdict, right: dict[bytes, User], there: dict[bytes, State]) -> None:
    differing = [name for name in right.keys() | there.keys() if not _same(right.get(name), there.get(name))]
    verdict.users_differing = len(differing)
    told = [f"{name!r}: {_difference(right.get(name), there.get(name))}" for name in sorted(differing)]
    _complain(verdict, "differs", told)


def _same(user: User | None, state: State | None) -> bool:
    return user is not None and state is not None and _as_state(user) == state


def _as_state(user: User) -> State:
    ids = list(user.ids)
    return State(user.newest, user.offset, user.source, user.number, user.session, user.window, ids)


def _difference(user: User | None, state: State | None) -> str:
    if user is None or state is None:
        return "is not published" if state is None else "must not be there"
    right = _as_state(user)
    fields = [name for name in State._fields if getattr(right, name) != getattr(state, name)]
    return ", ".join(fields)


def _letters(
    verdict: Verdict, reckoned: Reckoned, values: dict[Place, bytes | None], evidence: Evidence
) -> None:
    must = {place for place, outcome in reckoned.outcomes.items() if outcome in (REJECTED, LATE)}
    times = Counter(letter.source for letter in evidence.letters)
    missing = sorted(must - times.keys())
    wrong = [
        letter.source
        for letter in evidence.letters
        if letter.source not in must
        or not _kept(letter.value, values.get(letter.source))
        or (letter.reason == LATE) != (reckoned.outcomes[letter.source] == LATE)
    ]
    verdict.letters_missing, verdict.letters_wrong = len(missing), len(wrong)
    verdict.letters_repeated = sum(count - 1 for count in times.values())
    _complain(verdict, "has no dead letter", [f"{p.partition}@{p.offset}" for p in missing])
    _complain(verdict, "has a wrong dead letter", [f"{p.partition}@{p.offset}" for p in wrong])


def _kept(letter: bytes | None, value: bytes | None) -> bool:
    return (letter or b"") == (value or b"")


def _complain(verdict: Verdict, what: str, where: list[str]) -> None:
    verdict.complaints += [f"{each} {what}" for each in where[:SHOWN]]
    if len(where) > SHOWN:
        verdict.complaints.append(f"and {len(where) - SHOWN} more that {what}")
