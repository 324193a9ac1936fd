"""A stock Faust agent with a table: counts the events of each user, as Faust's own documentation has it.

`python -m benchmarks.stock_counting SERVERS TOPIC PARTITIONS FOLDER` runs until it is killed.
"""

import sys
from pathlib import Path
from typing import Any

import faust
import mode.loop
from faust.types import StreamT

NAME = "stock-counting"
CHANGELOG = f"{NAME}-counts-changelog"


def main() -> None:
    """Nothing is set that a newcomer would not set, but the session timeout, which is ours."""
    servers, topic, partitions, folder = sys.argv[1:]
    mode.loop.use("uvloop")
    app = faust.App(
        NAME,
        broker=f"kafka://{servers}",
        broker_session_timeout=10.0,
        broker_heartbeat_interval=2.0,
        consumer_auto_offset_reset="earliest",
        datadir=Path(folder),
        store="memory://",
        topic_partitions=int(partitions),
        web_enabled=False,
        worker_redirect_stdouts=False,
    )
    source = app.topic(topic, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")
    counts: Any = app.Table("counts", default=int, partitions=int(partitions))

    @app.agent(source)
    async def count(stream: StreamT[Any]) -> None:
        async for event in stream.events():
            counts[event.key.decode()] += 1

    worker = faust.Worker(app, loglevel="error", quiet=True)
    worker.spinner = None
    worker.execute_from_commandline()


if __name__ == "__main__":
    main()
