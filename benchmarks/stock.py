"""A stock Faust agent that does nothing with raw events: what Faust itself costs on this machine.

`python -m benchmarks.stock SERVERS TOPIC SKIPPED EVENTS FOLDER` reads a topic from its beginning and prints
how fast the events behind the first SKIPPED came.
"""

import json
import os
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import faust
import mode.loop
from faust.types import StreamT


class Clock:
    """Counts events, and knows when the measured ones began."""

    def __init__(self, skipped: int, events: int) -> None:
        self._skipped, self._events = skipped, events
        self._seen = 0
        self._wall = self._processor = 0.0

    def tick(self) -> None:
        """An event has come; the last one ends the process, which keeps nothing that would need an end."""
        self._seen += 1
        if self._seen == self._skipped:
            self._wall, self._processor = time.perf_counter(), time.process_time()
        elif self._seen == self._skipped + self._events:
            print(json.dumps(self._figures()), flush=True)
            os._exit(0)

    def _figures(self) -> dict[str, float]:
        wall, processor = time.perf_counter() - self._wall, time.process_time() - self._processor
        return {"events_per_second": self._events / wall, "us": processor / self._events * 1e6}


def main() -> None:
    """Read until enough has come."""
    servers, topic, skipped, events, folder = sys.argv[1:]
    mode.loop.use("uvloop")  # as the worker has it
    app = faust.App(
        f"stock-{uuid.uuid4().hex[:8]}",
        broker=f"kafka://{servers}",
        consumer_auto_offset_reset="earliest",
        datadir=Path(folder),
        table_standby_replicas=0,
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        worker_redirect_stdouts=False,
    )
    clock = Clock(int(skipped), int(events))
    source = app.topic(topic, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")

    @app.agent(source)
    async def nothing(stream: StreamT[Any]) -> None:
        async for _ in stream:
            clock.tick()

    worker = faust.Worker(app, loglevel="error", quiet=True)
    worker.spinner = None  # it would turn on stdout, among the figures
    worker.execute_from_commandline()


if __name__ == "__main__":
    main()
