"""`streamproc trainer`: learn from every event of the journal, and publish what was learned."""

import click

from streamproc.commands.flags import with_config
from streamproc.commands.threads import one_thread
from streamproc.config import Config


@click.command()
@with_config
def command(config: Config) -> None:
    """Learn from every event and publish the model, until Ctrl-C or SIGTERM; others of its kind wait."""
    one_thread()
    from streamproc.logs import logging_as

    with logging_as("trainer", config):
        _run(config)


def _run(config: Config) -> None:
    import time

    from faust.types import TP
    from prometheus_client import CollectorRegistry

    from streamproc.allocator import keep_memory
    from streamproc.aside import aside
    from streamproc.clock import SystemClock
    from streamproc.collector import settle
    from streamproc.contracts.topics import topics
    from streamproc.exposition import serve
    from streamproc.kafka.admin import ensure_topics
    from streamproc.kafka.app import make_app, run_app
    from streamproc.kafka.lease import Partition
    from streamproc.kafka.measuring import Measured
    from streamproc.logs import get_logger
    from streamproc.metrics import TrainerMetrics
    from streamproc.scheduling import give_way, share
    from streamproc.trainer.part import Trainer, limits, session_timeout
    from streamproc.trainer.showing import AGENT
    from streamproc.trainer.warming import warm

    keep_memory()
    share()
    give_way()
    registry = CollectorRegistry()
    metrics = TrainerMetrics(registry)
    trainer = Trainer(config, metrics, SystemClock())
    journal = topics(config).journal.name
    app = make_app(config, "trainer", journal, trainer, limits(config), session_timeout(config))
    app.task(Measured(app, metrics, AGENT, SystemClock()).look_now_and_then)

    def end_of(tp: Partition) -> int | None:
        try:
            return app.consumer.highwater(TP(*tp))
        except Exception:  # just revoked: the consumer knows nothing of it any more
            return None

    async def prepare() -> None:
        serve(
            registry,
            config.metrics.host,
            config.metrics.trainer_port,
            config.data_dir,
            "trainer",
            config.metrics.token,
        )
        began = time.monotonic()
        await aside(warm, config)
        settle()
        seconds = round(time.monotonic() - began, 1)
        get_logger("streamproc.trainer").info("the kernels are ready", seconds=seconds)
        await ensure_topics(config)

    trainer.end_of = end_of
    run_app(app, prepare)
