"""Turns at the kernels: one at a time, the earliest due first, and none is lost."""

import asyncio

import pytest

from streamproc.worker.turns import EVENT_SECONDS, Turns, due


class Kernels:
    """Slices that are run one after the other, each until it is told to end."""

    def __init__(self):
        self.turns, self.order = Turns(), []
        self.running, self.most = 0, 0

    async def work(self, name, wanted, slices=1):
        """A micro-batch of so many slices."""
        async with self.turns.turn(wanted) as turn:
            for _ in range(slices):
                await turn.give_way()
                self.running += 1
                self.most = max(self.most, self.running)
                self.order.append(name)
                await asyncio.sleep(0)
                self.running -= 1


@pytest.fixture
def kernels():
    return Kernels()


async def test_long_batches_are_done_one_after_the_other(kernels):
    """In rotation the first would be done as late as the last."""
    await asyncio.gather(*(kernels.work(name, due(at, 4000), 4) for at, name in enumerate("abc")))

    assert kernels.order == [*"aaaabbbbcccc"]
    assert kernels.most == 1


async def test_few_events_wait_for_a_slice_only(kernels):
    await asyncio.gather(kernels.work("long", due(0.0, 4000), 4), kernels.work("short", due(0.01, 1)))

    assert kernels.order == ["long", "short", "long", "long", "long"]


async def test_a_long_batch_that_has_waited_its_time_comes_before_a_short_one(kernels):
    """So a stream of few events at a time, one after the other, never starves it."""
    blocker = asyncio.create_task(kernels.work("blocker", 0.0))
    await asyncio.sleep(0)
    later = 4000 * EVENT_SECONDS + 0.001
    await asyncio.gather(
        blocker,
        kernels.work("long", due(0.0, 4000), 2),
        *(kernels.work("short", due(later, 1)) for _ in "ab"),
    )

    assert kernels.order == ["blocker", "long", "long", "short", "short"]


async def test_equal_ones_keep_their_order(kernels):
    await asyncio.gather(*(kernels.work(name, 1.0) for name in "abcd"))

    assert kernels.order == [*"abcd"]


async def test_who_gives_up_waiting_holds_nobody_up(kernels):
    first = asyncio.create_task(kernels.work("first", 0.0))
    given_up = asyncio.create_task(kernels.work("given up", 1.0))
    last = asyncio.create_task(kernels.work("last", 2.0))
    await asyncio.sleep(0)
    given_up.cancel()
    await asyncio.gather(first, last)

    assert kernels.order == ["first", "last"]


async def test_who_gives_up_between_two_slices_holds_nobody_up(kernels):
    long = asyncio.create_task(kernels.work("long", due(0.0, 4000), 4))
    short = asyncio.create_task(kernels.work("short", 0.0, 3))
    while "short" not in kernels.order:
        await asyncio.sleep(0)
    long.cancel()
    await asyncio.wait((long, short), timeout=10)
    await kernels.work("next", 1.0)

    assert kernels.order == ["long", "short", "short", "short", "next"]
    assert kernels.most == 1


async def test_a_turn_that_comes_as_it_is_given_up_goes_on_to_the_next():
    """The future is done, but its task is cancelled before it runs again."""
    turns, order = Turns(), []

    async def take(name, wanted):
        async with turns.turn(wanted):
            order.append(name)

    holder = turns.turn(0.0)
    await holder.__aenter__()
    unlucky, lucky = asyncio.create_task(take("unlucky", 1.0)), asyncio.create_task(take("lucky", 2.0))
    await asyncio.sleep(0)
    await holder.__aexit__(None, None, None)
    unlucky.cancel()
    await asyncio.wait((unlucky, lucky), timeout=10)

    assert order == ["lucky"]
    assert lucky.done()
    async with turns.turn(0.0):  # and it is free again
        order.append("free")


async def test_an_error_inside_ends_the_turn(kernels):
    with pytest.raises(ZeroDivisionError):
        async with kernels.turns.turn(0.0):
            raise ZeroDivisionError
    await kernels.work("next", 0.0)

    assert kernels.order == ["next"]
