"""The one thread that runs what reads or changes the model and the windows."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class KernelThread:
    """Kernels let go of the GIL: while one partition's events are ranked, the event loop decodes and sends.

    All of them share the model and its working memory, so there is one thread, and one kernel at a time.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, "kernels")
        self._unfinished: set[Future[Any]] = set()

    async def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """What `function` returns. It runs to its end before the next, even where the caller is cancelled."""
        work = self._pool.submit(function, *args, **kwargs)
        self._unfinished.add(work)
        work.add_done_callback(self._unfinished.discard)  # as well where it was given up before it began
        return await asyncio.wrap_future(work)

    async def run_short(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """The same for well under a millisecond of work: right here, unless the thread has something to do.

        The way to the thread and back takes longer, above all where another process wants the core.
        """
        if self._unfinished:
            return await self.run(function, *args, **kwargs)
        return function(*args, **kwargs)

    def close(self) -> None:
        """What has not begun is given up."""
        self._pool.shutdown(wait=False, cancel_futures=True)
