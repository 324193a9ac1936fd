"""What a worker holds of one partition while it has the lease on it."""

import asyncio
from dataclasses import dataclass, field

from streamproc.engine.windows import Windows
from streamproc.worker.journal import JournalWriter
from streamproc.worker.letters import LetterBox
from streamproc.worker.pacing import Pacing


@dataclass(eq=False)
class Served:
    """From a restore to a release."""

    partition: int
    windows: Windows
    journal: JournalWriter
    letters: LetterBox
    pacing: Pacing
    open: bool = True
    timer: asyncio.TimerHandle | None = None  # for those who wait for their next slate
    since: int = 0  # ms, when its restore was done
    newest: int = 0  # event time of the newest event, ms
    appended_at: int = 0  # Kafka's time of the newest record that is done, ms
    evicted: int = 0  # as counted so far

    async def close(self) -> None:
        """Nothing is sent for it any more."""
        self.open = False
        if self.timer is not None:
            self.timer.cancel()
        await asyncio.gather(self.journal.close(), self.letters.close())


@dataclass
class Partitions:
    """The ones that are served now."""

    by_number: dict[int, Served] = field(default_factory=dict)

    def add(self, served: Served) -> None:
        self.by_number[served.partition] = served

    def remove(self, served: Served) -> None:
        """Unless another lease on the partition has begun."""
        if self.by_number.get(served.partition) is served:
            del self.by_number[served.partition]

    def all(self) -> list[Served]:
        return list(self.by_number.values())
