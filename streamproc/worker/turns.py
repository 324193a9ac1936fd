"""Whose events the kernels take next, where several partitions have some."""

import asyncio
import heapq
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

EVENT_SECONDS = 2e-5  # that an event takes, about


def due(now: float, events: int) -> float:
    """When a micro-batch that comes `now` (s) would be done if it had the kernels to itself."""
    return now + events * EVENT_SECONDS


class Turns:
    """So many turns at a time, the earliest due first, which is as fair to few events as to many.

    A few events wait for one slice of a long micro-batch and not for all of it; and a long one goes on before
    others as long begin. In mere rotation all would be done at the same late moment, and whoever comes next
    would have nothing until then, and then everything.
    """

    def __init__(self, at_once: int = 1) -> None:
        self._free = at_once
        self._waiting: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = count()  # of those who are due at the same time, the first comes first

    @asynccontextmanager
    async def turn(self, due: float) -> "AsyncIterator[Turn]":
        """Waits for a turn, and has it inside."""
        turn = Turn(self, due)
        await turn.begin()
        try:
            yield turn
        finally:
            turn.end()

    def take(self) -> bool:
        """Whether a turn was free, and now is not."""
        free = self._free > 0
        self._free -= int(free)
        return free

    def queue(self, due: float) -> "asyncio.Future[None]":
        """Done when the turn has come."""
        place = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (due, next(self._numbers), place))
        return place

    def is_wanted_before(self, due: float) -> bool:
        """Whether somebody waits who is due earlier."""
        return bool(self._waiting) and self._waiting[0][0] < due

    def pass_on(self) -> None:
        """To the next one; nobody can come in between."""
        while self._waiting:
            *_, place = heapq.heappop(self._waiting)
            if not place.done():  # else its owner has given up
                place.set_result(None)
                return
        self._free += 1


class Turn:
    """What one micro-batch has of the turns."""

    def __init__(self, turns: Turns, due: float) -> None:
        self._turns = turns
        self._due = due
        self._held = False

    async def begin(self) -> None:
        """Wait for the first time."""
        if self._turns.take():
            self._held = True
        else:
            await self._wait(self._turns.queue(self._due))

    async def give_way(self) -> None:
        """Before another slice: lets those past who are due earlier."""
        if self._turns.is_wanted_before(self._due):
            place, self._held = self._turns.queue(self._due), False
            self._turns.pass_on()
            await self._wait(place)

    def end(self) -> None:
        """The next one may go on."""
        if self._held:
            self._held = False
            self._turns.pass_on()

    async def _wait(self, place: "asyncio.Future[None]") -> None:
        try:
            await place
        except asyncio.CancelledError:
            if not place.cancelled():  # it had come already
                self._turns.pass_on()
            raise
        self._held = True
