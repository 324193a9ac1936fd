"""An earlier generation serves again, by order.

The journal is the only truth, and nothing in it is taken back: the earlier generation's arrays are written
once more, under a new number, and promoted by the record after them. So every reader of the journal comes to
the same model, when and wherever it reads; the short-term models and the fusion go on learning.
"""

from dataclasses import dataclass, field

import msgspec

from streamproc.config import Config
from streamproc.contracts.control import Generation, Promote
from streamproc.contracts.journal import Chunk, pack_chunk, pack_control, unpack
from streamproc.errors import StreamprocError
from streamproc.kafka.admin import ensure_topics
from streamproc.kafka.appending import append_all
from streamproc.orders.generations import NONE, Generations, nothing, read
from streamproc.orders.outcome import Outcome


@dataclass(frozen=True)
class Rolled(Outcome):
    """The generation is the number under which it serves now."""

    like: int = field(kw_only=True)  # the one that it is a copy of


def again(found: Generations, now_ms: int, by: str) -> list[bytes]:
    """Records that make `found.wanted` serve, in their order: chunks, generation, promotion.

    Raises StreamprocError, naming what is missing, where the journal does not hold all of it any more.
    """
    number = found.next_id
    pieces = [pack_chunk(chunk._replace(generation=number)) for chunk in _whole(found)]
    none = Generation(NONE, "none", 0, len(pieces), nothing().sha256, 0, now_ms)
    origin = found.known[found.wanted] if found.wanted != NONE else none
    control = msgspec.structs.replace(origin, id=number, created_at=now_ms)
    promote = Promote(number, 0.0, 0.0, 0, by, found.wanted)
    return [*pieces, pack_control(control), pack_control(promote)]


async def roll_back(config: Config, wanted: int | None, now_ms: int, by: str) -> Rolled:
    """Let an earlier generation serve again; None: the one before the present. Repeated it changes nothing.

    `by` says who wants it. Raises StreamprocError where it is unknown, not whole any more, or another refresh
    came in between; KafkaUnavailable.
    """
    await ensure_topics(config)
    if wanted is None:
        wanted = (await read(config, Generations())).before()
    found = await read(config, Generations(wanted))
    if wanted != NONE and wanted not in found.known:
        known = ", ".join(map(str, found.known)) or "none"
        raise StreamprocError(
            f"the journal knows no generation {wanted}", f"It knows {known}, and 0 for none"
        )
    if found.serves(wanted):
        return Rolled(found.served[-1], like=wanted)
    number = found.next_id
    offset = await append_all(config, again(found, now_ms, by))
    if number not in (await read(config, found)).served:
        raise StreamprocError(f"another refresh came between, and {wanted} does not serve", "Try again")
    return Rolled(number, offset, like=wanted)


def _whole(found: Generations) -> list[Chunk]:
    if found.wanted == NONE:
        return [chunk for record in nothing().records if isinstance(chunk := unpack(record), Chunk)]
    origin = found.known[found.wanted]
    missing = [number for number in range(origin.chunks) if number not in found.chunks]
    if missing:
        text = f"chunks {missing[0]} to {missing[-1]} of generation {origin.id} have left the journal"
        raise StreamprocError(f"{text}: {len(missing)} of {origin.chunks}", "Take a newer one, or 0 for none")
    return [found.chunks[number] for number in range(origin.chunks)]
