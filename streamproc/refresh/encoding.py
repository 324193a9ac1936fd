"""The encoder of one refresh: whether there is one, trained on what, and what becomes of a failure."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from streamproc.config import Config
from streamproc.contracts.encoder import EncoderArrays
from streamproc.encoder_config import Cell, EncoderConfig
from streamproc.errors import EncoderFailed
from streamproc.logs import get_logger
from streamproc.refresh.encoder.apart import Encoded, Tell, train_apart
from streamproc.refresh.encoder.deciding import Extent, reason_against
from streamproc.refresh.encoder.message import Report, Task
from streamproc.refresh.fit import History
from streamproc.refresh.history import JournalHistory

logger = get_logger(__name__)


class Encoding(NamedTuple):
    """What a refresh hands over, and one line on how it came to that."""

    arrays: EncoderArrays | None
    words: str


def extent(observed: History, followed: JournalHistory, settings: EncoderConfig) -> Extent:
    """How much the newest events of `observed` hold."""
    users, items = observed.users[-settings.history :], observed.items[-settings.history :]
    distinct = (np.unique(users).size, np.unique(items).size)
    return Extent(users.size, *distinct, followed.encoded, followed.new_to_encoder)


def task(observed: History, settings: EncoderConfig, seed: int) -> Task:
    """The newest events; items keep their numbers."""
    users, items = observed.users[-settings.history :], observed.items[-settings.history :]
    return Task(users, items, observed.item_ids.ends.size, seed, settings)


async def encode(
    observed: History, learned_to: int, followed: JournalHistory, config: Config, tell: Tell
) -> Encoding:
    """Train an encoder on `observed`, which was cut at `learned_to`, if it is time for one.

    One that fails costs the generation nothing but the encoder, and counts as trained: the next attempt
    waits for the history to grow, too.
    """
    settings = config.refresh.encoder
    if not config.heads.encoder.enabled:
        return Encoding(None, "no encoder: heads.encoder is off")
    if reason := reason_against(extent(observed, followed, settings), settings):
        return Encoding(None, f"no encoder: {reason}")
    todo = task(observed, settings, config.seed)
    try:
        encoded: Encoded = await train_apart(todo, tell)
    except EncoderFailed as error:
        logger.error("no encoder could be trained", error=error)
        followed.count_encoder(todo.users.size, learned_to)
        return Encoding(None, f"no encoder: {error}")
    return Encoding(encoded.arrays, str(encoded.report))


async def compare(observed: History, config: Config, cells: Sequence[Cell], tell: Tell) -> list[Report]:
    """Train each cell on the same events and hand nothing over. Raises EncoderFailed."""
    reports = []
    for cell in cells:
        settings = config.refresh.encoder.model_copy(update={"cell": cell, "enabled": "off"})
        reports.append((await train_apart(task(observed, settings, config.seed), tell)).report)
    return reports
