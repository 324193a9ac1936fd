"""A micro-batch of records: what is an event in it, what counts, and what is set aside."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from streamproc.config import Config
from streamproc.contracts.deadletters import Reject
from streamproc.contracts.events import ACCEPTED, LATE, Decoder, EventColumns, select
from streamproc.kafka.lease import Record
from streamproc_models.arrays import I32, I64, U8


class Batch(NamedTuple):
    """The records of one partition, decoded."""

    offsets: I64  # (records,)
    columns: EventColumns  # of the events among them
    rejects: list[Reject]  # of the others, in order


class Decided(NamedTuple):
    """What became of the records of one partition."""

    accepted: EventColumns
    rows: I32  # (accepted,), the users' rows
    outcomes: U8  # (events,), of all that could be decoded
    rejects: list[Reject]  # not decoded or late, in order
    newest: int  # event time of the newest event, ms; 0 where there is none


class Judge:
    """Says of each record whether it counts, by the config's rules."""

    def __init__(self, config: Config) -> None:
        self._decoder = Decoder(config.events)
        allowance = config.window.late_allowance
        self._late = (
            f"older than the user's newest event by more than window.late_allowance ({allowance:g} s)"
        )

    def decode(self, records: Sequence[Record], partition: int) -> Batch:
        """The events among records that follow each other."""
        offsets = np.array([record.offset for record in records], np.int64)
        times = np.array([record.timestamp for record in records], np.int64)
        values = [record.value for record in records]
        return Batch(offsets, *self._decoder.decode(values, offsets, times, partition))

    def decide(self, batch: Batch, outcomes: U8, rows: I32) -> Decided:
        """After the windows have been asked: the outcomes (events,) and rows (events,) of its events."""
        offsets, columns, rejects = batch
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
