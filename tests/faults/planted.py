"""A part in which something is planted: `python -m tests.faults.planted NAME,NAME… VERB FLAGS…`.

Some are what a right pipeline has to bear, at a moment that no signal from outside would hit; the others are
bugs, which the verifier has to find. Whoever does one leaves a file of its name in the folder PLANTED.
"""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

from aiokafka.errors import KafkaError

from streamproc.cli import main
from streamproc.contracts.columns import span
from streamproc.contracts.journal import NOTHING_READ, Reader, pack_range
from streamproc.kafka import clients
from streamproc.trainer.follower import Follower
from streamproc.worker.journal import JournalWriter
from streamproc.worker.letters import LetterBox
from streamproc.worker.tail import JournalTail

SECONDS = 6.0  # that a process stands still: longer than the session of the runs that use this
LATE = 2.5  # seconds until an append arrives that was given up
EARLY = 20  # appends, or records, of a process before something happens
FOLDER = Path(os.environ["PLANTED"])


class Counter:
    """Whether it is time: once in this process, and at most `most` times in all of them."""

    def __init__(self, name: str, most: int) -> None:
        self._name, self._most, self._left = name, most, EARLY

    def now(self) -> bool:
        self._left -= 1
        return self._left == 0 and self.claim()

    def claim(self) -> bool:
        for number in range(self._most):
            try:
                (FOLDER / f"{self._name}-{number}").touch(exist_ok=False)
                return True
            except FileExistsError:
                continue
        return False


def stand_still() -> None:
    """Until another process lets this one go on."""
    subprocess.Popen(["sh", "-c", f"sleep {SECONDS}; kill -CONT {os.getpid()}"])
    os.kill(os.getpid(), signal.SIGSTOP)


async def done():
    future = asyncio.get_running_loop().create_future()
    future.set_result(None)
    return future


def stops_before_append() -> None:
    """The windows have the events, the journal does not; two workers at once."""
    begin = JournalWriter.begin
    count = Counter("stops_before_append", 2)

    async def stopping(self, upto, columns):
        if count.now():
            stand_still()
        return await begin(self, upto, columns)

    JournalWriter.begin = stopping


def stops_before_ack() -> None:
    """The append is on its way, its worker is not there to hear of it."""
    finish = JournalWriter.finish
    count = Counter("stops_before_ack", 1)

    async def stopping(self, sent, upto):
        if count.now():
            stand_still()
        await finish(self, sent, upto)

    JournalWriter.finish = stopping


def dies_after_append() -> None:
    """Before anything else comes of the batch."""
    begin = JournalWriter.begin
    count = Counter("dies_after_append", 2)

    async def dying(self, upto, columns):
        sent = await begin(self, upto, columns)
        if count.now():
            await sent
            os.kill(os.getpid(), signal.SIGKILL)
        return sent

    JournalWriter.begin = dying


def loses_appends() -> None:
    """Not sent; sent, but the answer is lost; arriving when the lease has long been over."""
    opened, begin = JournalWriter.__init__, JournalWriter.begin
    counts = [(Counter(f"loses_appends_{how}", 1), how) for how in ("unsent", "unheard", "late")]

    def opening(self, config, *rest):
        opened(self, config, *rest)
        self.config = config

    async def losing(self, upto, columns):
        for count, how in counts:
            if columns.offsets.size and count.now():
                if how == "unheard":
                    await (await begin(self, upto, columns))
                if how == "late":
                    values = pack_range(self._partition, self.upto, upto, columns)
                    tasks.append(asyncio.ensure_future(send_late(self.config, self._topic, values)))
                raise KafkaError(how)
        return await begin(self, upto, columns)

    JournalWriter.__init__, JournalWriter.begin = opening, losing


tasks = []  # held, or they are collected


async def send_late(config, topic, values):
    await asyncio.sleep(LATE)
    async with clients.new_producer(config) as producer:
        for value in values:
            await producer.send_and_wait(topic, value=value, partition=0)


def overlaps() -> None:
    """A zombie's append of a part of the batch comes just before a new lease's own first one."""
    begin = JournalWriter.begin
    count = Counter("overlaps", 1000)

    async def overlapping(self, upto, columns):
        if columns.offsets.size > 1 and not hasattr(self, "first"):
            self.first = count.claim()
            half = columns.offsets.size // 2
            part, end = span(columns, 0, half), int(columns.offsets[half - 1])
            for value in pack_range(self._partition, self.upto, end, part):
                await (await self._send(value))
        return await begin(self, upto, columns)

    JournalWriter.begin = overlapping


def drops_a_record() -> None:
    """BUG: one append is never sent, and taken for done."""
    begin = JournalWriter.begin
    count = Counter("drops_a_record", 1)

    async def dropping(self, upto, columns):
        if columns.offsets.size and count.now():
            self._rest = []
            return await done()
        return await begin(self, upto, columns)

    JournalWriter.begin = dropping


def two_in_flight() -> None:
    """BUG: an append does not wait for the one before, which arrives later."""
    begin = JournalWriter.begin
    count, held = Counter("two_in_flight", 1), []

    async def hasty(self, upto, columns):
        if columns.offsets.size and count.now():
            held.append(self)
            self.values = pack_range(self._partition, self.upto, upto, columns)
            self._rest = []
            return await done()
        sent = await begin(self, upto, columns)
        if self in held:
            held.remove(self)
            for value in self.values:
                await (await self._send(value))
        return sent

    JournalWriter.begin = hasty


def learns_one_twice() -> None:
    """BUG: the trainer takes one record two times."""
    learn = Follower._learn
    count = Counter("learns_one_twice", 1)

    def twice(self, record):
        before = self.reader.highest.get(record.partition, NOTHING_READ)
        step = learn(self, record)
        if step.events and count.now():
            self.reader.highest[record.partition] = before
            learn(self, record)
        return step

    Follower._learn = twice


def forgets_the_tail() -> None:
    """BUG: a restore takes the place from the journal's tail, and not its events."""
    apply = JournalTail._apply
    count = Counter("forgets_the_tail", 1)

    def forgetting(self, value, places):
        observer, self._observer = self._observer, Blind()
        apply(self, value, places)
        self._observer = observer
        count.claim()

    JournalTail._apply = forgetting


class Blind:
    """An observer that sees nothing."""

    def apply(self, windows, columns) -> None:
        """Events pass by."""


def takes_only_what_follows() -> None:
    """BUG: the reader's rule is prev == highest."""
    accept = Reader.accept
    count = Counter("takes_only_what_follows", 1)

    def strict(self, record):
        if record.prev < self.highest.get(record.partition, NOTHING_READ) < record.upto:
            count.claim()
            return None
        return accept(self, record)

    Reader.accept = strict


def letters_come_last() -> None:
    """BUG: dead letters are sent once the journal has the range; and the worker is killed in between."""
    send_letters, finish = LetterBox.send, JournalWriter.finish
    count, waiting = Counter("letters_come_last", 1), []

    async def later(self, records, rejects, tp):
        if rejects:
            waiting.append((self, records, rejects, tp))

    async def dying(self, sent, upto):
        await finish(self, sent, upto)
        if waiting and count.claim():
            os.kill(os.getpid(), signal.SIGKILL)
        while waiting:
            await send_letters(*waiting.pop())

    LetterBox.send, JournalWriter.finish = later, dying


if __name__ == "__main__":
    for name in sys.argv[1].split(","):
        globals()[name]()
    main(sys.argv[2:])
