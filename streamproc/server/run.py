"""The process of the HTTP API."""

import asyncio
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import uvicorn
from prometheus_client import CollectorRegistry

from streamproc.clock import SystemClock
from streamproc.collector import settle
from streamproc.config import Config
from streamproc.errors import ConfigError
from streamproc.kafka import reach
from streamproc.kafka.admin import ensure_topics
from streamproc.logs import get_logger
from streamproc.metrics import ServerMetrics
from streamproc.scrape import tokens
from streamproc.server import admission, warmup
from streamproc.server.announcing import show_figures
from streamproc.server.app import guarded, make_app
from streamproc.server.console.install import install
from streamproc.server.guard import written
from streamproc.server.sampling import History
from streamproc.server.state import ServerState

logger = get_logger(__name__)

ENDINGS = (signal.SIGINT, signal.SIGTERM)
GOODBYE = 2  # seconds for requests under way
TURN = 0.0005  # seconds that a thread may hold the GIL while requests wait; 5 ms elsewhere


def run(config: Config) -> None:
    """Answer until SIGTERM or SIGINT. Raises ConfigError, KafkaUnavailable, TopicMismatch.

    Also later, where a topic cannot be followed any more: whoever supervises starts it again.
    """
    needs_token = admission.token(config.server) is not None  # before anything is begun
    listener = _listen(config)
    address = f"http://{written(config.server.host)}:{listener.getsockname()[1]}"
    registry, clock = CollectorRegistry(), SystemClock()
    metrics = ServerMetrics(registry)
    show_figures(config, registry, address, needs_token)
    warmup.warm_up(config, clock)
    asyncio.run(_prepare(config))
    state = ServerState(config, metrics, clock)
    app = make_app(state, registry)
    install(app, state, History(config.data_dir, config.server.scrape, clock, tokens(config)))
    settings = uvicorn.Config(
        guarded(app), log_config=None, access_log=False, server_header=False,
        date_header=False, timeout_graceful_shutdown=GOODBYE, loop="uvloop", http="httptools",
    )  # fmt: skip
    settle()
    sys.setswitchinterval(TURN)
    logger.info("answers over HTTP", address=address, documentation=f"{address}/docs")
    server = _Server(settings)
    state.on_failure = partial(setattr, server, "should_exit", True)
    server.run(sockets=[listener])
    if (error := state.failed) is not None:
        raise error


class _Server(uvicorn.Server):
    """Ends in order on a signal, with exit code 0; uvicorn's own raises the signal once more."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        before = {number: signal.signal(number, self.handle_exit) for number in ENDINGS}
        yield
        for number, handler in before.items():
            signal.signal(number, handler)


async def _prepare(config: Config) -> None:
    await reach.wait(config.kafka)
    await ensure_topics(config)


def _listen(config: Config) -> socket.socket:
    """Taken before anything slow begins. Raises ConfigError where the port is taken."""
    server = config.server
    family = socket.AF_INET6 if ":" in server.host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((server.host, server.port))
    except OSError as error:
        listener.close()
        raise ConfigError(
            f"{server.host}:{server.port} cannot be listened on: {error.strerror}",
            "Set server.port to a free port, or to 0",
        ) from None
    return listener
