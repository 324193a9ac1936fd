"""The embedded broker: ready when it says so, durable on its folder, gone with its parent."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from streamproc.broker import probe
from streamproc.broker.kafka import Broker
from streamproc.config import BrokerConfig, Config
from streamproc.errors import BrokerFailed

pytestmark = pytest.mark.kafka


def wait_for(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "the condition never came true"
        time.sleep(0.02)


async def write_one(bootstrap: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic("kept", 1, 1)])
    await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all") as producer:
        await producer.send_and_wait("kept", b"here")


async def read_one(bootstrap: str) -> bytes:
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False) as consumer:
        consumer.assign([partition := TopicPartition("kept", 0)])
        consumer.seek(partition, 0)
        value: bytes = (await consumer.getone()).value
    return value


async def test_a_killed_broker_goes_on_with_its_folder(tmp_path: Path) -> None:
    """What was acknowledged before a SIGKILL is there after the next start, on other ports."""
    settings = Config(data_dir=tmp_path, broker=BrokerConfig(port=0))
    with Broker(settings) as first:
        await write_one(first.bootstrap_servers)
        assert first.pid is not None
        os.kill(first.pid, signal.SIGKILL)

    with Broker(settings) as second:
        assert await read_one(second.bootstrap_servers) == b"here"


def test_a_broker_never_outlives_its_parent(tmp_path: Path) -> None:
    """A parent that is killed takes its broker along."""
    script = (
        "import sys, time; from pathlib import Path; from streamproc.config import Config\n"
        "from streamproc.broker.kafka import Broker\n"
        "b = Broker(Config(data_dir=Path(sys.argv[1]), broker={'port': 0})); b.start()\n"
        "print(b.port, flush=True); time.sleep(600)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    parent = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, env=environment
    )
    assert parent.stdout is not None
    port = int(parent.stdout.readline())
    assert probe.ready(port)

    parent.kill()
    parent.communicate()

    wait_for(lambda: not probe.ready(port))


def test_a_taken_port_is_refused_in_a_clear_sentence(broker: Broker, tmp_path: Path) -> None:
    """The message names the port and the setting."""
    with pytest.raises(BrokerFailed, match=rf"port {broker.port} on 127.0.0.1 is taken.*broker\.port"):
        Broker(Config(data_dir=tmp_path, broker=BrokerConfig(port=broker.port))).start()
