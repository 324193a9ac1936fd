"""Who is in a consumer group, and what each of them holds, as the group's coordinator has it."""

import asyncio
from typing import Any, NamedTuple

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from aiokafka.errors import GroupAuthorizationFailedError, KafkaError, for_code

from streamproc.config import Config
from streamproc.errors import KafkaRefused, KafkaUnavailable
from streamproc.kafka.security import client_settings

PATIENCE = 5.0  # seconds


class Member(NamedTuple):
    """One process of the group."""

    client_id: str  # as app.make_app gives it: part, machine and process id
    partitions: tuple[int, ...]  # of the topic that was asked for


class Group(NamedTuple):
    """The group at one moment."""

    state: str  # Stable; Empty and Dead: nobody is in it; else a rebalance is under way
    members: tuple[Member, ...]


async def describe(config: Config, group: str, topic: str) -> Group:
    """Ask for the group's members and their partitions of `topic`.

    Raises KafkaRefused where we may not ask, KafkaUnavailable where nobody answers.
    """
    servers = config.kafka.bootstrap_servers
    admin = AIOKafkaAdminClient(**client_settings(config.kafka), request_timeout_ms=int(PATIENCE * 1000))
    try:
        async with asyncio.timeout(PATIENCE):
            await admin.start()
            (answer,) = await admin.describe_consumer_groups([group])
        return read(answer.groups[0], topic)
    except GroupAuthorizationFailedError:
        raise KafkaRefused(
            f"Kafka at {servers} does not let us describe the group {group}",
            "Let the user of kafka.security describe groups that begin with kafka.prefix",
        ) from None
    except (KafkaError, OSError, TimeoutError) as error:
        raise KafkaUnavailable(servers, PATIENCE, str(error) or type(error).__name__) from error
    finally:
        await admin.close()


def read(described: Any, topic: str) -> Group:
    """A group out of a DescribeGroups response, in the order of the members' names. Raises KafkaError."""
    code, name, state, _, _, members = described[:6]
    if code:
        raise for_code(code)(f"group {name}")
    found = [Member(client_id, _held(assignment, topic)) for _, client_id, _, _, assignment in members]
    return Group(state, tuple(sorted(found)))


def _held(assignment: bytes, topic: str) -> tuple[int, ...]:
    """Partitions of the topic; none while a rebalance is under way."""
    if not assignment:
        return ()
    pairs = ConsumerProtocolMemberAssignment.decode(assignment).assignment
    return tuple(sorted(number for name, numbers in pairs if name == topic for number in numbers))
