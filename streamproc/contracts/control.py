"""Control records of the journal: what is decided while it runs, by the trainer, a refresh or a person.

Whatever depends on load, on a clock or on somebody's will is written down, and takes effect when it is read;
so whoever reads the same journal ends with the same model.
"""

from typing import Literal

import msgspec


class Generation(msgspec.Struct, frozen=True, tag="generation"):
    """A refresh is complete: its chunks lie before this record. It runs in shadow from here on."""

    id: int  # ascends from refresh to refresh
    method: str  # ease, als
    items: int
    chunks: int
    sha256: str  # of the chunks' bytes, joined
    learned_to: int  # journal offset up to which the refresh read
    created_at: int  # ms since 1970


class Promote(msgspec.Struct, frozen=True, tag="promote"):
    """The generation serves from here on."""

    generation: int
    recall: float  # of the fusion with it, over the shadow events
    frozen: float  # of the fusion with the one before, over the same events
    events: int = 0
    by: str = ""  # who ordered it; empty: what the shadow has shown
    like: int = -1  # the earlier generation that it is a copy of; -1: none


class Reject(msgspec.Struct, frozen=True, tag="reject"):
    """The generation is dropped."""

    generation: int
    reason: str
    by: str = ""  # who ordered it


class Drift(msgspec.Struct, frozen=True, tag="drift"):
    """The stream is another one than before; what is done about it begins here."""

    signal: Literal["hits", "item_mix"]
    event: int  # events learned when it was noticed
    before: float  # the share that is watched
    after: float
    refresh: bool = False  # at once
    discount: float = 1.0  # what the tables know counts so many times less than what comes
    rate: float = 1.0  # the recurrent heads learn so many times as fast
    events: int = 0  # for so many events


class Shed(msgspec.Struct, frozen=True, tag="shed"):
    """The trainer lags, or does so no more: from here on it predicts every so many-th event only.

    All other heads learn from every event as before; the recurrent heads leave out their replay.
    """

    every: int  # 1: every event is predicted, and older examples are learned again
    behind: float  # seconds by which the trainer lagged when it was decided


Control = Generation | Promote | Reject | Drift | Shed
