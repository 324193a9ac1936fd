"""A micro-batch of records: what is an event in it, what counts, and what is set aside."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from streamproc.config import Config
from streamproc.contracts.deadletters import Reject
from streamproc.contracts.events import ACCEPTED, LATE, Decoder, EventColumns, select
from streamproc.engine.windows import Windows
from streamproc.kafka.lease import Record
from streamproc.worker.observing import Observer
from streamproc_models.arrays import I32, I64, U8


class Decided(NamedTuple):
    """What became of the records of one partition."""

    accepted: EventColumns
    rows: I32  # (accepted,), the users' rows
    outcomes: U8  # (events,), of all that could be decoded
    rejects: list[Reject]  # not decoded or late, in order
    newest: int  # event time of the newest event, ms; 0 where there is none


class Judge:
    """Decodes records and lets them into the windows, by the config's rules."""

    def __init__(self, config: Config, observer: Observer) -> None:
        self._decoder = Decoder(config.events)
        self._observer = observer
        allowance = config.window.late_allowance
        self._late = (
            f"older than the user's newest event by more than window.late_allowance ({allowance:g} s)"
        )

    def decide(self, windows: Windows, records: Sequence[Record], partition: int) -> Decided:
        """Afterwards the windows hold the accepted events of `records`, which follow each other."""
        offsets = np.array([record.offset for record in records], np.int64)
        times = np.array([record.timestamp for record in records], np.int64)
        columns, rejects = self._decoder.decode(
            [record.value for record in records], offsets, times, partition
        )
        outcomes, rows = self._observer.decide(windows, columns)
        newest = int(columns.times.max()) if outcomes.size else 0
        if not outcomes.any():
            return Decided(columns, rows, outcomes, rejects, newest)
        counts = outcomes == ACCEPTED
        rejects = self._with_late(rejects, offsets, columns.offsets[outcomes == LATE])
        return Decided(select(columns, counts), rows[counts], outcomes, rejects, newest)

    def _with_late(self, rejects: list[Reject], offsets: I64, late: I64) -> list[Reject]:
        places = np.searchsorted(offsets, late).tolist()
        more = [Reject(place, "late", self._late) for place in places]
        return sorted([*rejects, *more], key=lambda reject: reject.index)
