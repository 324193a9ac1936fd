"""A worker process, from its first kernel to its last goodbye."""

import asyncio
import logging
from typing import Any

from prometheus_client import CollectorRegistry

from streamproc.allocator import keep_memory
from streamproc.clock import SystemClock
from streamproc.collector import settle
from streamproc.config import Config
from streamproc.contracts.topics import topics
from streamproc.kafka.app import PartApp, make_app, run_app
from streamproc.kafka.lease import Limits
from streamproc.metrics import WorkerMetrics, serve
from streamproc.worker import warmup
from streamproc.worker.gauges import Gauges
from streamproc.worker.part import WorkerPart

logger = logging.getLogger(__name__)

LOOK = 1.0  # seconds between two looks at the gauges


def run(config: Config) -> None:
    """Serve events until SIGTERM or SIGINT. Raises KafkaUnavailable, TopicMismatch, ConfigError."""
    keep_memory()
    registry, clock = CollectorRegistry(), SystemClock()
    metrics = WorkerMetrics(registry)
    port = serve(registry, config.metrics.host, config.metrics.worker_port, config.data_dir, "worker")
    logger.info("/metrics answers on port %d", port)
    warmup.warm_up(config, clock)
    part = WorkerPart(config, metrics, clock)
    limits = Limits(batch=config.worker.max_batch, seconds=config.worker.append_timeout)
    app = make_app(config, "worker", topics(config).events.name, part, limits)
    _look_now_and_then(app, Gauges(config, metrics, part, app, clock))

    async def start() -> None:
        await part.open()
        app.add_future(part.follower.run())
        settle()
        logger.info("joining the group %sworker at %s", config.kafka.prefix, config.kafka.bootstrap_servers)

    run_app(app, start, part.close)
    logger.info("stopped in order")


def _look_now_and_then(app: PartApp, gauges: Gauges) -> None:
    async def look() -> None:
        while True:
            gauges.look()
            await asyncio.sleep(LOOK)

    app.task(look)

    def revoked(*_: Any, **__: Any) -> None:
        gauges.rebalancing()

    def complete(*_: Any, **__: Any) -> None:
        gauges.rebalanced()

    app.on_partitions_revoked.connect(revoked, weak=False)
    app.on_rebalance_complete.connect(complete, weak=False)
