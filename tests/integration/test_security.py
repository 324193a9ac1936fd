"""TLS and logins, against a real Kafka that asks for them."""

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from streamproc.clock import SystemClock
from streamproc.config import Config, KafkaConfig
from streamproc.doctor import cluster
from streamproc.errors import KafkaRefused, KafkaUnavailable
from streamproc.kafka import reach
from streamproc.kafka.admin import ensure_topics
from streamproc.kafka.clients import new_producer, read_to_end
from streamproc.kafka.security import log_in
from tests.integration.doors import KEY_PASSWORD, PASSWORD, Doors, unsigned_token

pytestmark = pytest.mark.kafka


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    """A running Kafka that asks for TLS, and for who one is."""
    made = Doors(tmp_path_factory.mktemp("doors"))
    with made.broker():
        yield made


def config(doors: Doors, door: str, prefix: str, security: dict[str, Any], folder: Path) -> Config:
    kafka = {"bootstrap_servers": doors.address(door), "prefix": prefix, "security": security}
    return Config.model_validate({"data_dir": folder, "kafka": kafka | {"connect_timeout": 20.0}})


async def write_and_read(settings: Config) -> list[bytes]:
    """Make the topics, append to the journal, read it again."""
    await ensure_topics(settings)
    topic = f"{settings.kafka.prefix}journal"
    async with new_producer(settings) as producer:
        await producer.send_and_wait(topic, b"there")
    return [record.value async for records in read_to_end(settings, topic, 0) for record in records]


async def test_a_password_opens_the_door(doors: Doors, tmp_path: Path) -> None:
    """SCRAM-SHA-512 over TLS, for topics, producers and consumers."""
    assert await write_and_read(config(doors, "SCRAM", "scram-", doors.scram(), tmp_path)) == [b"there"]


async def test_a_certificate_opens_the_door(doors: Doors, tmp_path: Path) -> None:
    """Mutual TLS, with a key that has a password."""
    security = {
        "protocol": "SSL",
        "cafile": doors.cafile,
        "certfile": doors.certfile,
        "keyfile": doors.keyfile,
        "key_password": KEY_PASSWORD,
    }
    assert await write_and_read(config(doors, "MUTUAL", "mutual-", security, tmp_path)) == [b"there"]


@pytest.mark.parametrize("how", ["token_file", "token_command"])
async def test_a_token_opens_the_door(doors: Doors, tmp_path: Path, how: str) -> None:
    """OAUTHBEARER over TLS, from a file or from what a program prints."""
    file = tmp_path / "token"
    file.write_text(unsigned_token(600.0) + "\n")
    source = {
        "token_file": file,
        "token_command": [sys.executable, "-c", f"print(open({str(file)!r}).read())"],
    }
    security = {"protocol": "SASL_SSL", "mechanism": "OAUTHBEARER", "cafile": doors.cafile, how: source[how]}

    assert await write_and_read(config(doors, "TOKEN", f"{how}-", security, tmp_path)) == [b"there"]


async def test_a_new_token_is_fetched_for_each_login(doors: Doors, tmp_path: Path) -> None:
    """One that has run out is refused, and the next one in the same file is taken."""
    file = tmp_path / "token"
    file.write_text(unsigned_token(-600.0))
    security = {
        "protocol": "SASL_SSL",
        "mechanism": "OAUTHBEARER",
        "cafile": doors.cafile,
        "token_file": file,
    }
    kafka = config(doors, "TOKEN", "", security, tmp_path).kafka
    with pytest.raises(KafkaRefused, match=r"refuses the login with this token.*token_file"):
        await reach.wait(kafka)

    file.write_text(unsigned_token(600.0))

    assert await reach.reachable(kafka)


@pytest.mark.parametrize(
    ("door", "changes", "message"),
    [
        ("SCRAM", {"password": "wrong"}, r"refuses the login of 'streamproc' by SCRAM-SHA-512.*__PASSWORD"),
        ("SCRAM", {"username": "nobody"}, r"refuses the login of 'nobody'.*kafka.security.username"),
        ("SCRAM", {"mechanism": "PLAIN"}, r"refuses the login by PLAIN.*kafka.security.mechanism"),
        (
            "SCRAM",
            {"cafile": "other_cafile"},
            r"certificate of Kafka .* is not accepted.*kafka.security.cafile",
        ),
    ],
)
async def test_a_closed_door_says_what_to_correct(
    doors: Doors, tmp_path: Path, door: str, changes: dict[str, Any], message: str
) -> None:
    """At once, with the exit code of an unreachable Kafka, and without the password."""
    given = doors.scram(**{k: getattr(doors, v, v) for k, v in changes.items()})
    settings = config(doors, door, "closed-", given, tmp_path)

    with pytest.raises(KafkaRefused, match=message) as caught:
        await ensure_topics(settings)

    assert caught.value.exit_code == 3
    assert PASSWORD not in str(caught.value)


async def test_the_wrong_port_is_a_likely_reason(doors: Doors, tmp_path: Path) -> None:
    """A listener without TLS hangs up, as does a broker that is just starting: it is tried for a while."""
    settings = config(doors, "PLAIN", "", doors.scram(), tmp_path)
    impatient = settings.kafka.model_copy(update={"connect_timeout": 1.0})

    with pytest.raises(KafkaUnavailable, match="is it the port of its TLS listener"):
        await ensure_topics(settings.model_copy(update={"kafka": impatient}))


async def test_the_host_name_of_a_certificate_is_checked(doors: Doors, tmp_path: Path) -> None:
    """The same broker by a name that its certificate is not for."""
    kafka = config(doors, "SCRAM", "", doors.scram(), tmp_path).kafka

    with pytest.raises(KafkaRefused, match=r"[Hh]ostname mismatch"):
        await log_in(kafka, "localhost", doors.ports["SCRAM"], 10.0)


async def test_who_has_no_certificate_stays_outside(doors: Doors, tmp_path: Path) -> None:
    """Where the broker asks for one."""
    kafka = config(doors, "MUTUAL", "", {"protocol": "SSL", "cafile": doors.cafile}, tmp_path).kafka

    with pytest.raises(KafkaRefused, match="does not accept our certificate"):
        await asyncio.wait_for(reach.wait(kafka), 30.0)


def test_plain_text_goes_to_this_machine_only() -> None:
    """Unless somebody says that the network is their own."""
    with pytest.raises(ValueError, match="allow_plaintext"):
        KafkaConfig(bootstrap_servers="10.0.0.1:9092")


async def test_the_doctor_goes_in_by_the_same_door(doors: Doors, tmp_path: Path) -> None:
    """And says what the door said where it is closed."""
    settings = config(doors, "SCRAM", "doctor-", doors.scram(), tmp_path)
    await ensure_topics(settings)
    found = await cluster.look(settings, SystemClock())
    closed = config(doors, "SCRAM", "doctor-", doors.scram() | {"password": "wrong"}, tmp_path)
    [refused] = await cluster.look(closed, SystemClock())

    assert {each.state for each in found} == {"ok"}, found
    assert (refused.check, refused.state) == ("broker", "failure")
    assert "password" in refused.told + refused.remedy
