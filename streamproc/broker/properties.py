"""The settings of the embedded broker: one node, loopback only, small and quick to start."""

from pathlib import Path

MIB = 1 << 20
MAX_RECORD_BYTES = 8 * MIB  # a full journal record, or a far too large event on its way to the dead letters


def render(port: int, controller_port: int, log_dir: Path, advertised: int = 0) -> str:
    """The text of `server.properties`.

    The one controller is named statically: its port may then change between two starts on one folder.
    """
    settings = {
        **_node(port, controller_port, log_dir),
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{advertised or port}",
        **_internal_topics(),
        "num.network.threads": 1,
        "num.io.threads": 2,
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
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": log_dir,
    }


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
