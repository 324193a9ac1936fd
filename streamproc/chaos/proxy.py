"""A way to Kafka that can be cut, stalled or narrowed."""

import asyncio
import contextlib
from typing import Literal

Mode = Literal["open", "cut", "half_open", "trickle"]
CHUNK = 65_536
TRICKLE = 1.0  # seconds per byte


class Proxy:
    """Forwards 127.0.0.1:port to `target`; cut: no connections; half open: accepted, and silent."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._mode: Mode = "open"
        self._opened = asyncio.Event()
        self._opened.set()
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    async def start(self) -> None:
        """Listen on a free port."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def point_at(self, target: int) -> None:
        """Where new connections go."""
        self._target = target

    def become(self, mode: Mode) -> None:
        """From now on."""
        self._mode = mode
        if mode == "cut":
            for writer in list(self._writers):
                writer.transport.abort()
        if mode == "open":
            self._opened.set()
        else:
            self._opened.clear()

    async def close(self) -> None:
        """Let go of everything."""
        self.become("cut")
        for task in list(self._tasks):
            task.cancel()
        if self._server is not None:
            self._server.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._mode == "cut":
            writer.transport.abort()
            return
        try:
            there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        for one, other in ((reader, there_writer), (there_reader, writer)):
            task = asyncio.ensure_future(self._pump(one, other))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while data := await reader.read(CHUNK):
                await self._pass(writer, data)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._writers.discard(writer)
            with contextlib.suppress(OSError, RuntimeError):
                writer.transport.abort()

    async def _pass(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        if self._mode == "half_open":
            await self._opened.wait()
        while self._mode == "trickle" and data:
            writer.write(data[:1])
            data = data[1:]
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._opened.wait(), TRICKLE)
        writer.write(data)
        await writer.drain()
