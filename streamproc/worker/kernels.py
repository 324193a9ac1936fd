"""The one thread that runs what reads or changes the model and the windows."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class KernelThread:
    """Kernels let go of the GIL: while one partition's events are ranked, the event loop decodes and sends.

    All of them share the model and its working memory, so there is one thread, and one kernel at a time.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, "kernels")

    async def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """What `function` returns. It runs to its end before the next, even where the caller is cancelled."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, lambda: function(*args, **kwargs))

    def close(self) -> None:
        """What has not begun is given up."""
        self._pool.shutdown(wait=False, cancel_futures=True)
