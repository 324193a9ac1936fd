"""Work that takes longer than an event loop may be held up."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


async def aside(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Call `function` in a thread that does not hold up the end of the process, as a pool's would."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[R] = loop.create_future()

    def tell(answer: Callable[[Any], None], value: Any) -> None:
        if not future.done():
            answer(value)

    def call() -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended: nobody waits any more
            try:
                result = function(*args, **kwargs)
            except BaseException as error:
                loop.call_soon_threadsafe(tell, future.set_exception, error)
            else:
                loop.call_soon_threadsafe(tell, future.set_result, result)

    threading.Thread(target=call, daemon=True).start()
    return await future
