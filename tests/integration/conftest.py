"""One real broker for the whole run, and a corner of it for every test."""

import re
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from streamproc.broker.kafka import Broker
from streamproc.config import BrokerConfig, Config, KafkaConfig


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever asks for the broker carries the marker of the tests that need one."""
    for item in items:
        if "broker" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.kafka)


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A running Kafka on a free port of loopback."""
    settings = Config(data_dir=tmp_path_factory.mktemp("broker"), broker=BrokerConfig(port=0))
    with Broker(settings) as running:
        yield running


@pytest.fixture
def config(broker: Broker, request: pytest.FixtureRequest, tmp_path: Path) -> Config:
    """Settings with topics and groups of the test's own, and an empty data folder."""
    name = re.sub(r"[^A-Za-z0-9]+", "-", request.node.name)[:40]
    prefix = f"{name}-{uuid4().hex[:8]}-"
    kafka = KafkaConfig(bootstrap_servers=broker.bootstrap_servers, prefix=prefix)
    return Config(data_dir=tmp_path / "data", kafka=kafka)
