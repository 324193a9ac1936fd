"""The events of a run, a function of the seed: a simulated shop whose producers are not careful."""

import heapq
import random
from collections.abc import Iterator, Sequence

from streamproc.contracts.events import Event, encode
from streamproc.simulate.shop import OPENING, Shop

Pair = tuple[bytes, bytes]
REPEATED, SHUFFLED, POISONED = 0.03, 0.03, 0.005  # shares of the events
MOST_REPEATS = 4
LATER = (0, 1, 30, 300, 3000)  # events until one comes again, at most; the last ones mostly over a restore
NUMBERED, NAMELESS = 0.4, 0.01  # shares of the events with a numbered id, and with none
BURST, STRANGERS = 300, 20  # events of a burst, and the users that they are of
FLOOD, FLOODED = 50_000, 5000  # the same for a flood
ONCE = 50_000  # users who come once
POISON = (
    b"", b"\xff\xfe", b"{", b"null", b"[]", b'{"type":"view"}', b'{"v":2,"type":"view"}',
    b'{"type":"view","user_id":"u","item_id":"i"}',
    b'{"type":"view","user_id":"","item_id":"i","ts":1}',
    b'{"type":"sniff","user_id":"u","item_id":"i","ts":1}',
    b'{"type":"rating","user_id":"u","item_id":"i","ts":1,"value":1e400}',
    b'{"type":"view","user_id":"u","item_id":"i","ts":99999999999999}',
)  # fmt: skip


def stream(seed: int, events: int, allowance: float) -> Iterator[Pair]:
    """Keys and values: some sent again, at once or later; some out of order, mostly within `allowance` (s);
    some no events."""
    chance = random.Random(seed)
    again: list[tuple[int, int, Pair]] = []  # due after so many events, and a number to tell them apart
    shop = Shop(seed, users=300, items=300, source=f"chaos-{seed}")
    for number, event in enumerate(shop.events(events)):
        pair = _pair(event, chance, number, allowance)
        yield pair
        if chance.random() < REPEATED:
            for repeat in range(chance.randint(1, MOST_REPEATS)):
                due = number + chance.randint(0, chance.choice(LATER))
                heapq.heappush(again, (due, MOST_REPEATS * number + repeat, pair))
        while again and again[0][0] <= number:
            yield heapq.heappop(again)[2]
        if chance.random() < POISONED:
            yield pair[0], chance.choice(POISON)
    yield from (pair for _, _, pair in sorted(again))


def _pair(event: Event, chance: random.Random, number: int, allowance: float) -> Pair:
    if chance.random() < SHUFFLED:
        back = chance.choice((0.1, 0.5, 0.9, 0.9, 1.5)) * 1000 * allowance  # ms; the last is too late
        event.ts = max(int(_ms(event) - back), OPENING)
    sort = chance.random()
    if sort < NAMELESS:
        event.event_id = None
    elif sort > NUMBERED:
        event.event_id = f"id-{number}"
    return event.user_id.encode(), encode(event)


def _ms(event: Event) -> float:
    return event.ts if isinstance(event.ts, (int, float)) else event.ts.timestamp() * 1000


def duplicates(chance: random.Random, recent: Sequence[Pair]) -> list[Pair]:
    """Each once to five times more, in any order: what a second producer sends that knows of no first."""
    pairs = [pair for pair in recent for _ in range(chance.randint(1, 5))]
    chance.shuffle(pairs)
    return pairs


def disorder(chance: random.Random, now: int, allowance: float) -> list[Pair]:
    """Strangers' events of one hour before `now` (ms) in any order: none is late where `allowance` is 1 h."""
    return [_stranger(chance, now - int(chance.uniform(0, 1000 * allowance))) for _ in range(BURST)]


def skew(chance: random.Random, now: int, ahead: float) -> list[Pair]:
    """Strangers' events by clocks that are wrong: ahead, less and more than `ahead` (s) of `now` (ms), a day
    and ten years off, and at the beginning of time."""
    wrong = (
        0.0,
        0.5,
        1.5,
        -0.5,
        86_400 / ahead,
        -86_400 / ahead,
        10 * 31_556_952 / ahead,
        -now / 1000 / ahead,
    )
    return [_stranger(chance, max(now + int(1000 * ahead * chance.choice(wrong)), 0)) for _ in range(BURST)]


def flood(chance: random.Random, now: int) -> list[Pair]:
    """Far more than a burst, of far more strangers, as of `now` (ms)."""
    return [_stranger(chance, now + number, FLOODED) for number in range(FLOOD)]


def strangers(chance: random.Random, now: int) -> list[Pair]:
    """Users whom nobody sees again, each with an item of their own; ids are never given twice."""
    names = [f"once-{chance.getrandbits(60)}" for _ in range(ONCE)]
    events = [Event(type="view", user_id=name, item_id=f"item-{name}", ts=now) for name in names]
    return [(name.encode(), encode(event)) for name, event in zip(names, events, strict=True)]


def _stranger(chance: random.Random, time: int, strangers: int = STRANGERS) -> Pair:
    name, item = f"stranger-{chance.randrange(strangers)}", f"item-{chance.randrange(50)}"
    event = Event(type="click", user_id=name, item_id=item, ts=time, event_id=f"{chance.getrandbits(60)}")
    return name.encode(), encode(event)
