"""Worker and trainer are both Faust apps of this make: one agent, whose events are leases on partitions."""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from typing import Any, cast

import faust
from aiokafka.errors import KafkaError
from faust.types import StreamT

from streamproc.config import Config
from streamproc.errors import KafkaUnavailable
from streamproc.kafka import reach
from streamproc.kafka.desk import LeaseDesk
from streamproc.kafka.lease import Limits, Part, Partition
from streamproc.kafka.leases import LeaseStream, LeaseTransport
from streamproc.kafka.security import faust_credentials

COMMIT_INTERVAL = 1.0  # seconds
MAX_POLL_INTERVAL = 3600.0  # seconds; nothing is read during a restore, which must not cost the membership
FAUST_FOLDER = "faust"  # below the data folder; Faust wants one, though nothing is kept in it
MAX_FETCH_BYTES = 4 << 20  # of one partition
Hook = Callable[[], Awaitable[None]]


class PartApp(faust.App):
    """A Faust app that knows the settings it was made from."""

    config: Config


def make_app(
    config: Config, name: str, topic: str, part: Part, limits: Limits, session: float | None = None
) -> PartApp:
    """A Faust app in the group `<prefix><name>` whose agent serves the partitions of `topic`.

    A silent one loses them after `session` seconds, kafka.session_timeout by default.
    Sets a new event loop (uvloop's where there is one) as the thread's: the app and what is made for it
    belong to that loop, which `run_app` runs.
    """
    loop = _new_loop()
    asyncio.set_event_loop(loop)
    (config.data_dir / FAUST_FOLDER).mkdir(parents=True, exist_ok=True)
    app = PartApp(
        f"{config.kafka.prefix}{name}",
        loop=loop,
        **_settings(config, name, session or config.kafka.session_timeout),
    )
    app.config = config
    desk = LeaseDesk(part, limits)
    app.transport = LeaseTransport(app.conf.broker_consumer, app, desk=desk)
    source = app.topic(topic, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")

    @app.agent(source)
    async def serve(stream: StreamT[Any]) -> None:
        """The home of the leases: one loop for each."""
        async for lease in cast(LeaseStream, stream).leases():
            desk.serve(lease)

    async def restore(*_: Any, **__: Any) -> None:
        await desk.restore(Partition(*tp) for tp in app.consumer.assignment() if tp.topic == topic)

    async def watch() -> None:
        await reach.watch(config.kafka)

    app.on_rebalance_complete.connect(restore, weak=False)
    app.task(watch)
    return app


def run_app(app: PartApp, on_start: Hook | None = None, on_stop: Hook | None = None) -> None:
    """Run until SIGTERM or SIGINT, which stop it in order: no more reading, the batches under way are
    finished and committed, `on_stop`, then the group is left.

    `on_start` runs before Faust starts, once a broker can be reached. Raises what else ended it:
    KafkaUnavailable when no broker could be reached for kafka.connect_timeout, Fenced, or any other error
    that `desk.fatal` says is one.
    """
    if on_stop is not None:
        stop = on_stop  # a name that is never None

        async def last(*_: Any, **__: Any) -> None:
            await stop()

        app.on_before_shutdown.connect(last, weak=False)
    PartWorker(app, on_start).run()


class PartWorker(faust.Worker):
    """Faust's worker without its terminal, log and process title habits: those are the command's."""

    def __init__(self, app: PartApp, on_ready: Hook | None) -> None:
        super().__init__(app, loop=app.loop, quiet=True, redirect_stdouts=False, override_logging=False)
        self.kafka = app.config.kafka
        self.spinner = None
        self._hook = on_ready

    async def on_first_start(self) -> None:
        """Signals first, so that a long start can be stopped, too."""
        self.install_signal_handlers()
        await reach.wait(self.kafka)
        if self._hook is not None:
            await self._hook()

    def on_worker_shutdown(self) -> None:
        """Nothing to show."""

    def run(self) -> None:
        """Until stopped; raises what crashed it."""
        self._starting_fut = asyncio.ensure_future(self.start(), loop=self.loop)
        try:
            self.loop.run_until_complete(self._starting_fut)
        except asyncio.CancelledError:
            pass  # a signal while starting
        except KafkaError as error:
            servers, patience = self.kafka.bootstrap_servers, self.kafka.connect_timeout
            raise KafkaUnavailable(servers, patience, repr(error)) from error
        finally:
            self.stop_and_shutdown()


def _settings(config: Config, name: str, session: float) -> dict[str, Any]:
    credentials = faust_credentials(config.kafka.security)
    return {
        **({"broker_credentials": credentials} if credentials else {}),
        "broker": [f"kafka://{server.strip()}" for server in config.kafka.bootstrap_servers.split(",")],
        "broker_client_id": f"{name}-{socket.gethostname()}-{os.getpid()}",
        "broker_session_timeout": session,
        "broker_heartbeat_interval": session / 6,
        "broker_request_timeout": max(config.kafka.request_timeout, session + 1.0),
        "broker_max_poll_interval": MAX_POLL_INTERVAL,
        "broker_commit_interval": COMMIT_INTERVAL,
        "consumer_auto_offset_reset": "earliest",
        "consumer_max_fetch_size": MAX_FETCH_BYTES,
        "datadir": config.data_dir / FAUST_FOLDER,
        "Stream": LeaseStream,
        "table_standby_replicas": 0,  # its default takes another assignor
        "topic_allow_declare": False,
        "topic_disable_leader": True,
        "web_enabled": False,
        "worker_redirect_stdouts": False,
    }


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:  # not on every platform
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()
