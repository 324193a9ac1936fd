"""A generation in shadow is promoted or rejected by order, before its trial is over.

The record is the one that the trainer writes after a trial. The first on a generation counts, whoever wrote
it: so every reader of the journal comes to the same model.
"""

from typing import Literal

from streamproc.config import Config
from streamproc.contracts.control import Promote, Reject
from streamproc.contracts.journal import pack_control
from streamproc.errors import StreamprocError
from streamproc.kafka.admin import ensure_topics
from streamproc.kafka.appending import append_all
from streamproc.orders.generations import NONE, Generations, read
from streamproc.orders.outcome import Outcome

Verdict = Literal["promote", "reject"]
RECORDS: dict[Verdict, type[Promote] | type[Reject]] = {"promote": Promote, "reject": Reject}
WORDS: dict[Verdict, str] = {"promote": "promoted", "reject": "rejected"}


def subject(found: Generations, verdict: Verdict, wanted: int | None) -> int | None:
    """The generation that the order is about; None where it has been decided so already.

    Raises StreamprocError where that is not, or no longer, in shadow.
    """
    if wanted is not None and isinstance(found.decisions.get(wanted), RECORDS[verdict]):
        return None
    if found.shadow == NONE:
        raise StreamprocError(
            "no generation is in shadow" if wanted is None else f"generation {wanted} is not in shadow",
            "`streamproc refresh now` fits one; `refresh rollback` lets an earlier one serve again",
        )
    if wanted not in (None, found.shadow):
        raise StreamprocError(f"generation {wanted} is not in shadow", f"Generation {found.shadow} is")
    return found.shadow


def record(verdict: Verdict, generation: int, by: str) -> bytes:
    """The order as a record of the journal."""
    if verdict == "promote":
        return pack_control(Promote(generation, 0.0, 0.0, 0, by))
    return pack_control(Reject(generation, "it was ordered so", by))


async def decide(config: Config, verdict: Verdict, wanted: int | None, by: str) -> Outcome:
    """Promote or reject a generation in shadow; None: the one that is. Repeated it changes nothing.

    `by` says who wants it. Raises StreamprocError where none is in shadow, or another decision came first;
    KafkaUnavailable.
    """
    await ensure_topics(config)
    found = await read(config, Generations())
    number = subject(found, verdict, wanted)
    if number is None:
        return Outcome(wanted or NONE)
    offset = await append_all(config, [record(verdict, number, by)])
    if not isinstance((await read(config, found)).decisions.get(number), RECORDS[verdict]):
        raise StreamprocError(f"generation {number} was decided on otherwise meanwhile", "Look again")
    return Outcome(number, offset)
