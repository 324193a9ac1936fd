"""What is known of generations, and what people order about them, for the console."""

import asyncio
from typing import Literal, NamedTuple

from streamproc.aside import aside
from streamproc.clock import Clock
from streamproc.config import Config
from streamproc.contracts.control import Promote, Reject
from streamproc.errors import TopicMismatch
from streamproc.kafka.admin import ensure_topics
from streamproc.logs import get_logger
from streamproc.orders.generations import NONE, Generations, read
from streamproc.orders.rollback import roll_back
from streamproc.orders.verdicts import WORDS, decide

logger = get_logger(__name__)

Verb = Literal["promote", "reject", "roll back"]
SHOWN = 12  # newest generations


class Standing(NamedTuple):
    """One generation as people see it."""

    number: int
    what: str
    fitted_at: int  # ms; 0 for none
    learned_to: int  # journal offset up to which its refresh read
    state: str
    verbs: tuple[Verb, ...]  # that can be ordered now


class Done(NamedTuple):
    """An order that is in the journal."""

    words: str
    offset: int  # of its record: who has learned further has obeyed; -1: there was nothing to do


class Orders:
    """Works in a thread, one after the other: reading the journal must not hold up who asks for slates."""

    def __init__(self, config: Config, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self._found = Generations()
        self._one = asyncio.Lock()

    async def standings(self) -> list[Standing]:
        """As the journal has it now; the first time it is read whole, then what is new.

        Raises KafkaUnavailable.
        """
        async with self._one:
            await aside(asyncio.run, self._look())
            return standings(self._found)

    async def give(self, verb: Verb, number: int, by: str) -> Done:
        """Write an order into the journal. Raises StreamprocError with what stands against it."""
        async with self._one:
            done = await aside(asyncio.run, self._give(verb, number, by))
        logger.info("an order is given", order=verb, generation=number, by=by, journal_offset=done.offset)
        return done

    async def _look(self) -> None:
        await ensure_topics(self._config)
        try:
            await read(self._config, self._found)
        except TopicMismatch:  # the part after our last look has left the journal meanwhile
            self._found = await read(self._config, Generations())

    async def _give(self, verb: Verb, number: int, by: str) -> Done:
        if verb == "roll back":
            rolled = await roll_back(self._config, number, self._clock.now_ms(), by)
            like = f"a copy of {number}" if number else "the model without one"
            return Done(f"Generation {rolled.generation}, {like}, serves", rolled.offset)
        decided = await decide(self._config, verb, number, by)
        return Done(f"Generation {number} is {WORDS[verb]}", decided.offset)


def standings(found: Generations) -> list[Standing]:
    """The newest first; at the end what served before the first, where one has served since."""
    shown = sorted(found.known, reverse=True)[:SHOWN]
    lines = [_standing(found, number) for number in shown]
    if len(found.served) > 1:
        lines.append(_before_the_first(found))
    return lines


def _standing(found: Generations, number: int) -> Standing:
    known, decision = found.known[number], found.decisions.get(number)
    what = f"{known.method.upper()}, {known.items:,} items" if known.items else "without long-term interests"
    if isinstance(decision, Promote) and decision.like >= 0:
        what += f"; a copy of {decision.like}" if decision.like else ""
    verbs: tuple[Verb, ...] = ()
    if number == found.shadow:
        verbs = ("promote", "reject")
    elif number in found.served and not found.serves(number) and found.whole(number):
        verbs = ("roll back",)
    return Standing(number, what, known.created_at, known.learned_to, _state(found, number), verbs)


def _before_the_first(found: Generations) -> Standing:
    verbs: tuple[Verb, ...] = () if found.serves(NONE) else ("roll back",)
    state = "serves, under another number" if found.serves(NONE) else "served before the first"
    return Standing(NONE, "without long-term interests", 0, 0, state, verbs)


def _state(found: Generations, number: int) -> str:
    decision = found.decisions.get(number)
    ordered = f", by order of {decision.by}" if decision is not None and decision.by else ""
    if number == found.shadow:
        return "in shadow"
    if number == found.served[-1]:
        return f"serves{ordered}"
    if isinstance(decision, Reject):
        return f"rejected: {decision.reason}{ordered}"
    if decision is None:
        return "gave way to the next one before it was judged"
    gone = "" if found.whole(number) else "; its arrays have left the journal"
    return f"served{ordered}{gone}"
