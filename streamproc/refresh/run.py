"""One refresh: from the history up to the journal's end to a generation in the journal.

A generation counts from its control record on, which is written last, when every chunk before it is
acknowledged. Whatever ends a refresh earlier leaves chunks that nobody asks for.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from streamproc.aside import aside
from streamproc.clock import Clock
from streamproc.config import Config
from streamproc.contracts.control import Generation
from streamproc.contracts.journal import pack_control
from streamproc.errors import StreamprocError
from streamproc.kafka.appending import append_all
from streamproc.refresh.encoder.apart import Tell
from streamproc.refresh.encoding import Encoding, encode
from streamproc.refresh.fit import Fitted, bounded, fit
from streamproc.refresh.history import JournalHistory
from streamproc.refresh.tail import JournalTail
from streamproc.refresh.written import write

Enter = Callable[[str], None]  # told the state that begins: one of metrics.STATES

FEWEST_EVENTS, FEWEST_ITEMS = 500, 20  # below, a matrix over items says nothing


class Refreshed(NamedTuple):
    """What one refresh did."""

    generation: Generation
    events: int
    users: int
    seconds: float  # from the cut-off to the acknowledged control record
    encoding: str  # what became of the encoder

    def __str__(self) -> str:
        new = self.generation
        return (
            f"generation {new.id}: {new.method.upper()} over {new.items} items from {self.events} events"
            f" of {self.users} users, up to journal offset {new.learned_to}, in {self.seconds:.1f} s;"
            f" {self.encoding}"
        )

    def told(self) -> dict[str, Any]:
        """The same for the log."""
        new = self.generation
        return {
            "generation": new.id,
            "method": new.method,
            "items": new.items,
            "events": self.events,
            "users": self.users,
            "learned_to": new.learned_to,
            "seconds": round(self.seconds, 1),
            "encoder": self.encoding,
        }


def enough(history: JournalHistory) -> bool:
    """Whether there is something to fit."""
    return history.events >= FEWEST_EVENTS and history.items >= FEWEST_ITEMS


def require_enough(history: JournalHistory) -> None:
    """Raises StreamprocError where too little has happened yet."""
    if not enough(history):
        raise StreamprocError(
            f"the journal holds {history.events} events of {history.items} items so far",
            f"A refresh needs {FEWEST_EVENTS} of {FEWEST_ITEMS}: wait for more",
        )


async def refresh(
    tail: JournalTail,
    config: Config,
    clock: Clock,
    enter: Enter = lambda _: None,
    tell: Tell = lambda _: None,
) -> Refreshed:
    """Read to the journal's end, fit, train an encoder if it is time for one, hand over, read that back.

    Raises StreamprocError where too little has happened yet or the history cannot be fitted, and
    KafkaUnavailable where the journal does not take the generation.
    """
    enter("reading")
    await tail.to_end()
    history, started = tail.history, clock.seconds()
    require_enough(history)
    learned_to, observed, earlier = history.position, bounded(history.cut(), config), history.factors
    enter("fitting")
    try:
        fitted = await aside(fit, observed, config, earlier)
    except (ValueError, ArithmeticError) as error:
        raise StreamprocError(f"the history up to {learned_to} cannot be fitted: {error}") from error
    enter("encoding")
    encoding = await encode(observed, learned_to, history, config, tell)
    enter("handing_over")
    await tail.to_end()  # another refresh may have written meanwhile: only now is the next id known
    written = await hand_over(config, history.next_id, fitted, encoding, learned_to, clock.now_ms())
    await tail.to_end()
    took = clock.seconds() - started
    return Refreshed(written, observed.items.size, observed.user_count, took, encoding.words)


async def hand_over(
    config: Config, number: int, fitted: Fitted, encoding: Encoding, learned_to: int, now_ms: int
) -> Generation:
    """Append a generation to the journal: its chunks, and once these are safe its control record."""
    written = write(number, fitted, encoding.arrays, learned_to, now_ms)
    await append_all(config, [*written.chunks, pack_control(written.control)])
    return written.control
