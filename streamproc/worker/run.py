"""A worker process, from its first kernel to its last goodbye."""

import asyncio

from prometheus_client import CollectorRegistry

from streamproc.allocator import keep_memory
from streamproc.clock import SystemClock
from streamproc.collector import settle
from streamproc.config import Config
from streamproc.contracts.topics import topics
from streamproc.exposition import serve
from streamproc.kafka.app import PartApp, make_app, run_app
from streamproc.kafka.lease import Limits
from streamproc.kafka.measuring import LOOK, Measured
from streamproc.logs import get_logger
from streamproc.metrics import WorkerMetrics
from streamproc.scheduling import share
from streamproc.worker import warmup
from streamproc.worker.gauges import AGENT, Gauges
from streamproc.worker.part import WorkerPart

logger = get_logger(__name__)


def run(config: Config) -> None:
    """Serve events until SIGTERM or SIGINT. Raises KafkaUnavailable, TopicMismatch, ConfigError."""
    keep_memory()
    share()
    registry, clock = CollectorRegistry(), SystemClock()
    metrics = WorkerMetrics(registry)
    port = serve(
        registry,
        config.metrics.host,
        config.metrics.worker_port,
        config.data_dir,
        "worker",
        config.metrics.token,
    )
    logger.info("answers /metrics", port=port)
    warmup.warm_up(config, clock)
    part = WorkerPart(config, metrics, clock)
    limits = Limits(batch=config.worker.max_batch, seconds=config.worker.append_timeout)
    app = make_app(config, "worker", topics(config).events.name, part, limits)
    measured = Measured(app, metrics, AGENT, clock)
    measured.desk.on_commit = measured.committed
    _look_now_and_then(app, Gauges(config, metrics, part, app, clock, measured))

    async def start() -> None:
        await part.open()
        app.add_future(part.follower.run())
        settle()
        group, servers = f"{config.kafka.prefix}worker", config.kafka.bootstrap_servers
        logger.info("joins its group", group=group, servers=servers)

    run_app(app, start, part.close)


def _look_now_and_then(app: PartApp, gauges: Gauges) -> None:
    async def look() -> None:
        while True:
            gauges.look()
            await asyncio.sleep(LOOK)

    app.task(look)
