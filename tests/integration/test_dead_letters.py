"""Poison among good events on a real Kafka: set aside once each with its bytes, looked at, fed in again."""

import json

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from streamproc.contracts.deadletters import KEPT_BYTES, MAX_BODY_BYTES
from streamproc.kafka.clients import close, new_producer
from tests.integration.pipeline import Pipeline
from tests.poison import POISON, spoiled

GOOD = 40
SOON = {"kafka": {"session_timeout": 3.0}}  # what a killed worker had is another's
POKES = [
    spoiled(type="poke", user_id="u1", item_id="a", event_id="own"),
    spoiled(type="poke", user_id="u1", item_id="b"),
    spoiled(type="poke", user_id="u1", item_id="b"),  # another event, though the bytes are the same
]


async def send(config, topic, values, key=b"u1"):
    """One after the other into partition 0; gives their offsets."""
    producer = new_producer(config)
    await producer.start()
    try:
        answers = [await producer.send(topic, value, key, partition=0) for value in values]
        return [(await answer).offset for answer in answers]
    finally:
        await close(producer)


def place(letter):
    return int(dict(letter.headers)["__connect.errors.offset"])


def kept(value):
    """What a dead letter holds of it."""
    return value if value is None or len(value) <= MAX_BODY_BYTES else value[:KEPT_BYTES]


async def test_poison_is_set_aside_once_with_its_bytes_also_over_a_kill(config):
    """All in one stream, the worker killed in the middle: none is lost, and the good events are learned.
    Only after a kill may a letter come twice; it is the same one, by its source offset."""
    good = [spoiled(user_id="u1", item_id=f"i{number}") for number in range(2 * GOOD)]
    first = [*good[:GOOD], *(value for _, value in POISON)]
    again = [*(value for _, value in POISON), *good[GOOD:]]
    async with Pipeline(config, SOON) as pipeline:
        topic = pipeline.recorded.topics.events.name
        pipeline.start("worker")
        offsets = await send(config, topic, first)
        await pipeline.until(pipeline.recorded.journalled, "the journal covers the first half")
        letters = await pipeline.recorded.dead_letters()
        assert sorted(map(place, letters)) == offsets[GOOD:]  # nothing was killed: each once

        offsets += await send(config, topic, again)
        pipeline.kill("worker")
        pipeline.start("worker")
        await pipeline.until(pipeline.recorded.journalled, "the journal covers everything")
        letters = await pipeline.recorded.dead_letters()

    wanted = dict(zip(offsets, [*first, *again], strict=True))
    reasons = dict(zip(offsets, [None] * GOOD + [reason for reason, _ in POISON] * 2, strict=False))
    assert {place(letter) for letter in letters} == set(offsets[GOOD:-GOOD])
    for letter in letters:
        assert letter.value == kept(wanted[place(letter)])
        assert letter.key == b"u1"
        assert dict(letter.headers)["streamproc.reason"].decode() == reasons[place(letter)]
    assert pipeline.journal.events == 2 * GOOD


async def test_letters_are_counted_shown_and_fed_in_again_without_being_learned_twice(config):
    """Once the type is allowed, three pokes are learned, however often they are replayed."""
    async with Pipeline(config) as pipeline:
        topic = pipeline.recorded.topics.events.name
        pipeline.start("worker")
        offsets = await send(config, topic, [spoiled(user_id="u1"), b"\xff\x1b[2J", *POKES])
        await pipeline.until(pipeline.recorded.journalled, "the journal covers everything")
        told = json.loads(await pipeline.run("dlq", "list", "--json"))
        table = await pipeline.run("dlq", "list", "--reason", "invalid_utf8")
        number = next(row["offset"] for row in told["newest"] if row["reason"] == "invalid_utf8")
        shown = json.loads(await pipeline.run("dlq", "show", str(number), "--json"))
        useless = json.loads(await pipeline.run("dlq", "replay", "--json"))
        await pipeline.stop("worker")

        corrected = Pipeline(config, {"events": {"unknown_type": "count"}})
        try:
            corrected.start("worker")
            dry = json.loads(await corrected.run("dlq", "replay", "--dry-run", "--json"))
            one = json.loads(
                await corrected.run(
                    "dlq", "replay", "--partition", "0", "--offset", str(offsets[2]), "--json"
                )
            )
            twice = [json.loads(await corrected.run("dlq", "replay", "--json")) for _ in range(2)]
            sent = await pipeline.recorded.sent()
            await corrected.until(pipeline.recorded.journalled, "the journal covers what was fed in again")
            await corrected.stop("worker")
        finally:
            await corrected.__aexit__()

    assert told["reasons"] == {"unknown_type": 3, "invalid_utf8": 1}
    assert [row["source_offset"] for row in told["newest"]] == offsets[1:]
    assert "\x1b" not in table and "1 dead letters" in table
    assert shown["value"] == r"\xff\x1b[2J"
    assert useless == {"replayed": 0, "left": {"unknown_type": 3, "invalid_utf8": 1}, "dry_run": False}
    assert dry == {"replayed": 3, "left": {"invalid_utf8": 1}, "dry_run": True}
    assert (one["replayed"], [each["replayed"] for each in twice]) == (1, [3, 3])
    assert sent == 5 + 1 + 3 + 3
    assert pipeline.journal.events == 1 + 3


@pytest.mark.parametrize("size", [6_000_000, 200_000_000])
async def test_a_packed_bomb_is_refused_by_the_broker_and_never_reaches_a_worker(config, size):
    """Some kB that unpack to more than a message may have, or than the broker has memory: measured unpacked.
    What is within bounds arrives."""
    async with Pipeline(config) as pipeline:
        topic = pipeline.recorded.topics.events.name
        packing = AIOKafkaProducer(
            bootstrap_servers=config.kafka.bootstrap_servers,
            compression_type="gzip",
            max_request_size=2 * size,
            max_batch_size=2 * size,
        )
        await packing.start()
        try:
            with pytest.raises(KafkaError):
                await packing.send_and_wait(topic, b" " * size, b"u1", partition=0)
            await packing.send_and_wait(topic, spoiled(user_id="u1"), b"u1", partition=0)
        finally:
            await close(packing)
        pipeline.start("worker")
        await pipeline.until(pipeline.recorded.journalled, "the journal covers everything")
        letters = await pipeline.recorded.dead_letters()

    assert (pipeline.journal.events, letters) == (1, [])
