"""Files and the shop, fed into a real Kafka."""

import asyncio
import gzip
import json
import threading
from collections import defaultdict
from pathlib import Path

import pytest
from rich.table import Table
from rich.text import Text

from streamproc.cli import main
from streamproc.config import Config
from streamproc.contracts.topics import topics
from streamproc.files.columns import Columns
from streamproc.files.replay import Selection, replay
from streamproc.kafka.admin import ensure_topics
from streamproc.kafka.clients import new_producer, read_to_end
from streamproc.simulate.run import Settings, run

COLUMNS = "user=who,item=what,ts=#,type=:view"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """9,000 rows of 30 users, and one without an item."""
    path = tmp_path / "events.csv.gz"
    rows = [f"user {row % 30},item {row}" for row in range(9_000)]
    path.write_bytes(gzip.compress("\n".join(["who,what", *rows, "nobody,"]).encode()))
    return path


async def stored(config: Config) -> list[list[tuple[bytes, dict]]]:
    """Key and event of every record, per partition in its order."""
    events = topics(config).events
    found = []
    for partition in range(events.partitions):
        records = [r async for some in read_to_end(config, events.name, partition) for r in some]
        found.append([(record.key, json.loads(record.value)) for record in records])
    return found


async def test_a_file_arrives_whole_and_each_user_in_order(config, file):
    """Every row once, keyed by its user, in one partition, in the order of the file."""
    account = await replay(config, [file], Selection(Columns.parse(COLUMNS)))

    partitions = await stored(config)
    events = [event for partition in partitions for _, event in partition]
    numbers = defaultdict(list)
    for place, partition in enumerate(partitions):
        for key, event in partition:
            assert key.decode() == event["user_id"]
            numbers[key, place].append(int(event["event_id"].rpartition(":")[2]))

    assert account.sent == 9_000
    assert {reason: cause.rows for reason, cause in account.skipped.items()} == {"missing_field": 1}
    assert sorted(int(event["item_id"].split()[1]) for event in events) == list(range(9_000))
    assert len(numbers) == 30
    assert all(user == sorted(user) for user in numbers.values())


async def test_feeding_a_file_twice_sends_the_same_events_twice(config, file):
    """The same bytes, and with them the same ids: a worker knows the second feeding for duplicates."""
    for _ in range(2):
        await replay(config, [file], Selection(Columns.parse(COLUMNS)))

    ids = [event["event_id"] for partition in await stored(config) for _, event in partition]

    assert len(ids) == 18_000
    assert len(set(ids)) == 9_000


async def test_a_rate_is_kept_to(config, tmp_path):
    """60 events at 200 a second take .3 s, less one slice of 10."""
    path = tmp_path / "events.csv"
    path.write_text("\n".join(["who,what", *(f"u{row},i" for row in range(60))]))

    account = await replay(config, [path], Selection(Columns.parse(COLUMNS)), rate=200.0)

    assert account.sent == 60
    assert account.seconds >= 0.25


async def test_a_missing_file_is_refused_before_anything_is_sent(config, tmp_path):
    """The command names it, and leaves with the code of a bad file."""
    with pytest.raises(SystemExit) as leaving:
        main(["replay", str(tmp_path / "nowhere.csv"), "--bootstrap-servers", config.kafka.bootstrap_servers])

    assert leaving.value.code == 7


async def test_the_shop_sends_as_many_events_as_were_asked_for(config):
    """Stamped with the present, keyed by user, each id once."""
    settings = Settings(rate=2000.0, users=20, items=40, events=300, watch=False)

    await ensure_topics(config)
    sent = await asyncio.to_thread(run, config, settings, threading.Event(), print)

    events = [event for partition in await stored(config) for _, event in partition]
    assert sent == len({event["event_id"] for event in events}) == 300
    assert {event["type"] for event in events} <= {"view", "like", "cart", "purchase"}


async def test_the_slates_of_the_watched_user_are_shown(config):
    """Until the view has one; those of others are not shown."""
    stop, told = threading.Event(), []
    settings = Settings(rate=100.0, users=1, items=40)
    await ensure_topics(config)
    shop = asyncio.create_task(asyncio.to_thread(run, config, settings, stop, told.append))
    async with asyncio.timeout(30), new_producer(config) as producer:
        while not any(isinstance(shown, Table) for shown in told):
            for user in (b"Ada", b"Bruno"):
                await producer.send_and_wait(topics(config).recommendations.name, slate(user), key=user)
    stop.set()

    assert await shop > 0
    texts = [shown.plain for shown in told if isinstance(shown, Text)]
    assert all(text.startswith("Ada ") for text in texts)
    assert any(" looks at " in text for text in texts)


def slate(user: bytes) -> bytes:
    """Any slate."""
    return (
        b'{"v":1,"rec_id":"e0-1-1","user_id":"%b","generated_at":0,'
        b'"trigger":{"kind":"event","topic":"events","partition":0,"offset":1},'
        b'"model":{"version":1,"learned_to":1,"generation":0},'
        b'"gate":{"short_term":1,"long_term":0,"popularity":0},'
        b'"items":[{"item_id":"kite","score":1,"rank":1,"source":"markov","because":["honey"]}]}' % user
    )
