"""The thread of the kernels: one at a time, whatever becomes of those who asked."""

import asyncio
import threading

import pytest

from streamproc.kernel_thread import KernelThread


@pytest.fixture
def kernels():
    kernels = KernelThread()
    yield kernels
    kernels.close()


async def test_the_loop_goes_on_while_a_kernel_runs(kernels):
    """It would stand still for ever here."""
    go_on = threading.Event()
    waiting = asyncio.ensure_future(kernels.run(go_on.wait, 5.0))
    await asyncio.sleep(0)

    go_on.set()

    assert await waiting


async def test_a_kernel_of_somebody_who_is_gone_ends_before_the_next_begins(kernels):
    """They share their working memory."""
    began, go_on, order = threading.Event(), threading.Event(), []

    def first():
        began.set()
        go_on.wait(5.0)
        order.append("first")

    gone = asyncio.ensure_future(kernels.run(first))
    while not began.is_set():
        await asyncio.sleep(0.001)
    gone.cancel()
    second = asyncio.ensure_future(kernels.run(order.append, "second"))
    await asyncio.sleep(0.01)
    assert order == []

    go_on.set()
    await second

    assert order == ["first", "second"]


async def test_an_error_is_the_callers(kernels):
    """And the thread goes on."""
    with pytest.raises(ZeroDivisionError):
        await kernels.run(divmod, 1, 0)

    assert await kernels.run(divmod, 7, 2) == (3, 1)


async def test_short_work_is_done_at_once_where_the_thread_is_idle(kernels):
    """In the caller's own thread: nothing of it is left to be waited for."""
    here = await kernels.run_short(threading.get_ident)

    assert here == threading.get_ident()


async def test_short_work_waits_for_what_the_thread_has_begun(kernels):
    """Also where nobody waits for that any more."""
    began, go_on, order = threading.Event(), threading.Event(), []

    def first():
        began.set()
        go_on.wait(5.0)
        order.append("first")

    gone = asyncio.ensure_future(kernels.run(first))
    while not began.is_set():
        await asyncio.sleep(0.001)
    given_up = asyncio.ensure_future(kernels.run(order.append, "given up"))
    await asyncio.sleep(0)
    gone.cancel()
    given_up.cancel()
    await asyncio.sleep(0)
    second = asyncio.ensure_future(kernels.run_short(order.append, "second"))
    await asyncio.sleep(0)
    go_on.set()
    await second

    assert order == ["first", "second"]
