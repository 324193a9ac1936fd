"""The HTTP API on a real pipeline: events in, slates out, and nothing by halves."""

import asyncio
import json
import subprocess

import httpx
import pytest

from streamproc.clock import SystemClock
from streamproc.contracts.topics import topics
from streamproc.errors import KafkaUnavailable
from streamproc.kafka import clients
from streamproc.kafka.admin import ensure_topics
from streamproc.scrape import page
from streamproc.server.producing import EventProducer, Refused
from tests.integration.pipeline import PATIENCE, Pipeline, until

pytestmark = pytest.mark.kafka

FREE_PORT = {"server": {"port": 0}}
USERS = [f"user {number}" for number in range(8)]  # on several partitions


def click(user: str, item: str, second: int) -> dict[str, object]:
    return {"type": "click", "user_id": user, "item_id": item, "ts": 1_700_000_000_000 + 1000 * second}


def encoded(event: dict[str, object]) -> bytes:
    return json.dumps(event).encode()


async def ready(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/ready")).status_code == 200
    except httpx.TransportError:
        return False


async def test_events_go_in_and_slates_come_out_over_http(config):
    """Every user has a slate that answers the last event; the trainer's model says how far it has learned."""
    async with Pipeline(config, FREE_PORT) as pipeline:
        pipeline.start("trainer", "worker", "serve")

        async def answering() -> bool:
            return page(config.data_dir) is not None

        await pipeline.until(answering, "the server says where it answers")
        async with httpx.AsyncClient(base_url=page(config.data_dir) or "", timeout=60.0) as client:

            async def is_ready() -> bool:
                return await ready(client)

            await pipeline.until(is_ready, "the server is ready")
            many = [click(user, item, place) for place, item in enumerate("abcab") for user in USERS]
            answer = await client.post("/v1/events", json=many)
            assert answer.status_code == 202 and answer.json()["accepted"] == len(many)
            written = {(each["partition"], each["offset"]) for each in answer.json()["events"]}
            assert len(written) == len(many) and len({partition for partition, _ in written}) > 1

            async def answered() -> bool:
                answers = [await client.get(f"/v1/users/{user}/recommendations") for user in USERS]
                told = [each.json() for each in answers if each.status_code == 200]
                kinds = {each["trigger"]["kind"] for each in told}
                return len(told) == len(USERS) and kinds <= {"event"} and all(each["items"] for each in told)

            await pipeline.until(answered, "every user has a slate with items")

            async def known() -> bool:
                told = (await client.get("/v1/model")).json()
                return bool(told["version"]) and told["events"] == len(many)

            await pipeline.until(known, "the server has the model of the last sync")
            similar = (await client.get("/v1/items/a/similar")).json()
            assert similar["items"][0]["item_id"] == "b"

            async def reasoned() -> bool:
                told = await client.get(f"/v1/users/{USERS[0]}/why/c")
                return told.status_code == 200 and told.json()["known_user"]

            await pipeline.until(reasoned, "the user's window has come")

            async def no_lag() -> bool:
                return pipeline.metrics().total("worker", "consumer_lag_records") == 0

            await pipeline.until(no_lag, "the marks of the transaction do not count as events to come")
        await pipeline.stop("serve", "worker", "trainer")


async def test_a_request_that_was_broken_off_leaves_no_event(config, monkeypatch):
    """Half of it was sent already: it is taken back, and who reads what is committed sees none."""
    await ensure_topics(config)
    producer = EventProducer(config, SystemClock())
    values = [encoded(click(user, "a", 0)) for user in USERS]
    sent = 0

    async def send(topic, value, key, partition):
        nonlocal sent
        sent += 1
        if sent > len(values) // 2:
            raise TimeoutError("cut off")
        return await original(topic, value, key, partition)

    await producer.send(values)  # opens it
    original = producer._grouped.send
    monkeypatch.setattr(producer._grouped, "send", send)
    with pytest.raises(KafkaUnavailable):
        await producer.send(values)
    again = await producer.send(values)
    await producer.close()

    async def marked() -> bool:  # the broker answers before the marks of the commit are in the log
        return await committed(config) >= 2 * len(values)

    assert len(again) == len(values)
    await until(marked, "both whole requests count")
    assert await committed(config) == 2 * len(values)


async def test_a_bad_event_stops_its_whole_request(config):
    """Nothing reaches the topic."""
    await ensure_topics(config)
    producer = EventProducer(config, SystemClock())

    with pytest.raises(Refused) as refused:
        await producer.send([encoded(click("u", "a", 0)), b"{}"])
    await producer.close()

    assert [(fault.index, fault.reason) for fault in refused.value.faults] == [(1, "missing_field")]
    assert await committed(config) == 0


async def committed(config) -> int:
    """Events that count."""
    topic, events = topics(config).events, 0
    for partition in range(topic.partitions):
        async for records in clients.read_to_end(config, topic.name, partition):
            events += len(records)
    return events


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
async def test_it_does_not_start_where_others_could_ask_without_a_token(config, host):
    """One sentence, exit code 2, and nothing is listened on."""
    settings = {"server": {"host": host, "port": 0}}
    pipeline = Pipeline(config, settings)
    pipeline.config.data_dir.mkdir(parents=True)

    done = await asyncio.to_thread(
        subprocess.run, pipeline._command("serve"), capture_output=True, text=True, timeout=PATIENCE
    )

    assert done.returncode == 2
    assert f"server.host is {host}" in done.stderr and "STREAMPROC_SERVER__TOKEN" in done.stderr
    assert page(config.data_dir) is None


async def test_with_a_token_it_answers_those_who_show_it(config):
    """Also on an address that others reach; the figures stay at hand on this machine."""
    settings = {"server": {"host": "0.0.0.0", "port": 0, "token": "s3cret"}}
    async with Pipeline(config, settings) as pipeline:
        pipeline.start("trainer", "serve")

        async def answering() -> bool:
            return page(config.data_dir) is not None and pipeline.metrics().highest("server", "ready") == 1.0

        await pipeline.until(answering, "the server is ready and its figures are found")
        address = (page(config.data_dir) or "").replace("0.0.0.0", "127.0.0.1")
        async with httpx.AsyncClient(base_url=address, timeout=60.0) as client:
            refused = await client.get("/v1/model")
            figures = await client.get("/metrics")
            let_in = await client.get("/v1/model", headers={"Authorization": "Bearer s3cret"})
        log = pipeline.last_words("serve")
        await pipeline.stop("serve", "trainer")

    assert [refused.status_code, figures.status_code, let_in.status_code] == [401, 401, 200]
    assert "s3cret" not in log
