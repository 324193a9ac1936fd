"""`streamproc up`, from the lock to the last goodbye."""

import asyncio
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console

from streamproc.config import Config
from streamproc.figures import Collector
from streamproc.scrape import page, tokens
from streamproc.up import lock
from streamproc.up.demo import Shop
from streamproc.up.parts import EmbeddedBroker, Part, verb
from streamproc.up.status import Screen
from streamproc.up.supervise import Supervisor

LOOK_EVERY = 0.2  # seconds between two looks at the processes
STOP_ORDER = ("serve", "worker", "refresh", "trainer", "broker")
PATIENCE = {"serve": 3.0, "worker": 4.0, "refresh": 1.0, "trainer": 4.0}  # seconds, then SIGKILL
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run(config: Config, flags: Sequence[str], demo: bool = False, seconds: float | None = None) -> None:
    """Run all parts until Ctrl-C or SIGTERM, or for `seconds`; on return none is left.

    `flags` are handed on to the parts. Raises AlreadyRunning, BrokerFailed, KafkaUnavailable.
    """
    console = Console()
    with lock.held(config.data_dir), Screen(console) as screen, _interruptible():
        supervisor = Supervisor([], screen.say)
        shop: Shop | None = None
        try:
            config, flags = _kafka(config, flags, supervisor, screen)
            for part in _parts(config, flags):
                supervisor.add(part)
            supervisor.start()
            screen.say(f"Logs are in {config.data_dir / 'logs'}; Ctrl-C stops everything")
            if demo:
                shop = Shop(flags, screen.tell, console.width if console.is_terminal else None)
                shop.start()
            _watch(
                supervisor,
                Collector(config.data_dir, tokens=tokens(config)),
                screen,
                seconds,
                config.data_dir,
            )
        except KeyboardInterrupt:
            screen.say("Stopping")
        finally:
            _deaf()
            if shop:
                shop.stop()
            supervisor.stop(STOP_ORDER)


def _kafka(
    config: Config, flags: Sequence[str], supervisor: Supervisor, screen: Screen
) -> tuple[Config, list[str]]:
    """A Kafka that answers and has our topics; the embedded one where no address was given."""
    from streamproc.kafka.admin import ensure_topics

    if "bootstrap_servers" not in config.kafka.model_fields_set:
        screen.say("Starting the embedded Kafka")
        broker = EmbeddedBroker(config)
        supervisor.add(broker)
        broker.start_and_wait()
        supervisor.started(broker)
        config = _at(config, broker.bootstrap_servers)
        flags = [*flags, "--bootstrap-servers", broker.bootstrap_servers]
    asyncio.run(ensure_topics(config))
    screen.say(f"Kafka answers at {config.kafka.bootstrap_servers}")
    return config, list(flags)


def _parts(config: Config, flags: Sequence[str]) -> list[Part]:
    names = ["trainer", "worker"]
    if config.refresh.enabled:
        names.append("refresh")
    if config.server.enabled:
        names.append("serve")
    return [verb(name, flags, config, PATIENCE[name]) for name in names]


def _watch(
    supervisor: Supervisor, collector: Collector, screen: Screen, seconds: float | None, data_dir: Path
) -> None:
    """Until interrupted."""
    now = begun = shown = time.monotonic()
    console: str | None = None
    while seconds is None or now - begun < seconds:
        supervisor.look()
        if console is None and (console := page(data_dir)) is not None:
            screen.say(f"Console at {console}, HTTP API described at {console}/docs")
        if now - shown >= screen.every:
            shown = now
            screen.show(collector.look())
        time.sleep(LOOK_EVERY)
        now = time.monotonic()


def _at(config: Config, servers: str) -> Config:
    return config.model_copy(update={"kafka": config.kafka.model_copy(update={"bootstrap_servers": servers})})


@contextmanager
def _interruptible() -> Iterator[None]:
    """Every polite request to end becomes KeyboardInterrupt, wherever we wait."""
    before: dict[signal.Signals, Any] = {s: signal.signal(s, signal.default_int_handler) for s in ENDINGS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _deaf() -> None:
    """Stopping has begun; asking again does not make it any quicker, and must not break it off."""
    for number in ENDINGS:
        signal.signal(number, signal.SIG_IGN)
