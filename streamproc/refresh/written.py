"""A generation as the journal holds it."""

from typing import NamedTuple

from streamproc.contracts import generation
from streamproc.contracts.control import Generation
from streamproc.contracts.encoder import EncoderArrays
from streamproc.contracts.journal import cut
from streamproc.refresh.fit import Fitted


class Written(NamedTuple):
    """What a refresh appends."""

    chunks: list[bytes]  # records; all of them lie before the control record
    control: Generation


def write(
    number: int, fitted: Fitted, encoder: EncoderArrays | None, learned_to: int, now_ms: int
) -> Written:
    """Generation `number`, fitted on the journal below offset `learned_to`."""
    pieces = cut(number, generation.pack(*fitted[:4], encoder))
    items, chunks = fitted.item_ids.ends.size, len(pieces.records)
    control = Generation(number, fitted.method, items, chunks, pieces.sha256, learned_to, now_ms)
    return Written(pieces.records, control)
