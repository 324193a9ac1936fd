"""The settings of the embedded broker: one node, loopback only, small and quick to start."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

MIB = 1 << 20
MAX_RECORD_BYTES = 8 * MIB  # a full journal record, or a far too large event on its way to the dead letters


class Listener(NamedTuple):
    """A further door on loopback, such as one with TLS and a login."""

    name: str  # in capitals
    protocol: str  # SSL, SASL_SSL
    port: int
    settings: Mapping[str, object]  # without the prefix that names the listener


def render(
    port: int, controller_port: int, log_dir: Path, advertised: int = 0, more: Sequence[Listener] = ()
) -> str:
    """The text of `server.properties`; `more` listeners beside the plain one.

    The one controller is named statically: its port may then change between two starts on one folder.
    """
    settings = {
        **_node(port, controller_port, log_dir),
        **_listeners(port, controller_port, more),
        "advertised.listeners": ",".join(
            [f"PLAINTEXT://127.0.0.1:{advertised or port}", *(_place(door) for door in more)]
        ),
        **_internal_topics(),
        "num.network.threads": 1,
        "num.io.threads": 2,
        # The system's, which grow: Kafka's own 100 kB take a megabyte of slates in ten pieces.
        "socket.receive.buffer.bytes": -1,
        "socket.send.buffer.bytes": -1,
        "log.segment.bytes": 64 * MIB,
        "log.cleaner.dedupe.buffer.size": 8 * MIB,
        "message.max.bytes": MAX_RECORD_BYTES,
        "auto.create.topics.enable": "false",
        "group.initial.rebalance.delay.ms": 0,  # else a lone worker waits 3 s for others
        "group.min.session.timeout.ms": 1000,
        "broker.session.timeout.ms": 2000,  # after a kill the next start waits it out (9 s by default)
        "broker.heartbeat.interval.ms": 500,
    }
    return "".join(f"{key}={value}\n" for key, value in settings.items())


def _node(port: int, controller_port: int, log_dir: Path) -> dict[str, object]:
    return {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
        "controller.listener.names": "CONTROLLER",
        "log.dirs": log_dir,
    }


def _listeners(port: int, controller_port: int, more: Sequence[Listener]) -> dict[str, object]:
    doors = [Listener("PLAINTEXT", "PLAINTEXT", port, {}), *more]
    doors.append(Listener("CONTROLLER", "PLAINTEXT", controller_port, {}))
    settings: dict[str, object] = {
        "listeners": ",".join(map(_place, doors)),
        "listener.security.protocol.map": ",".join(f"{door.name}:{door.protocol}" for door in doors),
    }
    for door in more:
        prefix = f"listener.name.{door.name.lower()}."
        settings |= {prefix + key: value for key, value in door.settings.items()}
    return settings


def _place(door: Listener) -> str:
    return f"{door.name}://127.0.0.1:{door.port}"


def _internal_topics() -> dict[str, object]:
    return {
        "num.partitions": 4,
        "offsets.topic.num.partitions": 4,  # 50 by default, which makes the start slow
        "offsets.topic.replication.factor": 1,
        "transaction.state.log.num.partitions": 4,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "share.coordinator.state.topic.replication.factor": 1,
        "share.coordinator.state.topic.min.isr": 1,
    }
