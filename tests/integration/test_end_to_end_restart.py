"""Everything killed in the middle of a real stream, and started again."""

import asyncio
import csv
import lzma
import random
from functools import partial
from itertools import groupby
from operator import attrgetter

import pytest
from threadpoolctl import threadpool_limits

from streamproc.config import Config, merge
from streamproc.contracts.ids import texts
from streamproc.contracts.journal import Reader
from streamproc.engine import snapshots, state
from streamproc.engine.learner import Learner
from streamproc.engine.snapshots import folder
from streamproc.files.opening import source_of
from streamproc.trainer.follower import Follower
from tests.integration.pipeline import CLICKS, Pipeline, until
from tests.integration.recorded import Recorded
from tests.integration.supervised import Supervised
from tests.integration.windows_by_hand import Click, unpacked, windows

pytestmark = pytest.mark.kafka

QUICK = {
    "kafka": {"session_timeout": 4.0},  # of a killed part
    "sync": {"interval": 0.2, "users_interval": 0.5},
    "snapshots": {"interval": 1.0},
}


def in_the_file():
    """The rows, read without the product."""
    with lzma.open(CLICKS.path, "rt") as file:
        for number, row in enumerate(csv.DictReader(file), 1):
            time = round(float(row["ts"]) * 1000)
            yield Click(number, row["session"].encode(), row["item"].encode(), time)


def in_the_journal(journal):
    """The events that count, as rows of the file."""
    for _, columns in journal.accepted:
        users, items = texts(columns.user_ids), texts(columns.item_ids)
        numbers, times = columns.sequences.tolist(), columns.times.tolist()
        yield from map(Click._make, zip(numbers, users, items, times, strict=True))


def by_user(clicks):
    """What each user did, in the order it is given in."""
    ordered = sorted(clicks, key=attrgetter("user"))  # stable
    return {user: list(some) for user, some in groupby(ordered, attrgetter("user"))}


class System(Supervised):
    """Everything on one folder, the embedded broker included."""

    def config(self):
        """As of now: the broker's port is another one after each start."""
        here = {"data_dir": self.data_dir, "kafka": {"bootstrap_servers": self.bootstrap_servers}}
        return Config.model_validate(merge(here, QUICK))

    def replay(self, *flags):
        """The file, in the background."""
        servers = "--bootstrap-servers", self.bootstrap_servers
        return self.start(*servers, "replay", str(CLICKS.path), *CLICKS.flags, *flags)


async def test_killed_in_a_replay_nothing_is_lost_or_learned_twice(tmp_path):
    """Broker, supervisor, parts and replay; then the whole file again, whose first part is known by then."""
    CLICKS.need()
    rows = list(in_the_file())
    with System(tmp_path, QUICK) as system:
        system.wait_ready(system.start("up"))
        replay, recorded = system.replay("--rate", "15000"), Recorded(system.config())

        async def some_are_journalled():
            await recorded.journal.look()
            return recorded.journal.events > len(rows) // 4

        await until(some_are_journalled, "a quarter of the file is journalled")
        system.kill_everything()
        first_part = recorded.journal.events
        assert first_part < len(rows)

        system.wait_ready(system.start("up"))
        config = system.config()
        replay, recorded = system.replay(), Recorded(config)
        assert await asyncio.to_thread(replay.wait) == 0, system.said(replay)
        await until(recorded.journalled, "the journal covers every event")
        await until(recorded.published, "model and users speak for the whole journal")

        learned = list(in_the_journal(recorded.journal))
        assert await recorded.sent() >= first_part + len(rows)
        assert len(learned) == len(rows)
        assert by_user(learned) == by_user(rows)
        assert (await recorded.header()).events == len(rows)
        kind = sorted(config.events.types).index("click")
        by_hand = windows(rows, source_of(CLICKS.path).encode(), kind)
        assert {user: unpacked(packed) for user, packed in (await recorded.states()).items()} == by_hand


async def test_a_trainer_killed_three_times_ends_with_the_state_of_one_that_never_was(config):
    """SIGKILL at three random places of the journal, with a generation on its way; the digests are equal."""
    CLICKS.need()
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    places = sorted(random.Random(seed).sample(range(1000, 80_000), 3))
    async with Pipeline(config, QUICK | {"refresh": {"events": 20_000}}) as pipeline:
        pipeline.start("worker", "trainer", "refresh")
        replay = asyncio.create_task(pipeline.replay(CLICKS, "--rate", "10000"))
        for place in places:
            await pipeline.until(partial(learned, pipeline, place), f"{place} events are learned")
            pipeline.kill("trainer")
            pipeline.start("trainer")
        await replay
        await pipeline.until(partial(handed_over, pipeline), "a refresh")
        await pipeline.stop("refresh")
        await pipeline.until_learned()
        await pipeline.stop("worker")
        await pipeline.until(partial(kept, pipeline), "a snapshot at the journal's end")
        await pipeline.stop("trainer")

        assert newest_snapshot(pipeline).digest == undisturbed(pipeline)


async def learned(pipeline, events):
    """Whether a sync speaks for so many events."""
    header = await pipeline.recorded.header()
    return header is not None and header.events >= events


async def kept(pipeline):
    """Whether the newest snapshot is of the whole journal: one killed just now may have published it all."""
    manifest = newest_snapshot(pipeline)
    return manifest is not None and manifest.learned_to == pipeline.journal.end


def newest_snapshot(pipeline):
    manifest, _ = next(snapshots.newest(folder(pipeline.config)), (None, None))
    return manifest


async def handed_over(pipeline):
    """Whether the journal holds a generation."""
    await pipeline.journal.look()
    return bool(pipeline.journal.generations)


def undisturbed(pipeline):
    """The digest of a learner that reads the same journal in one go, without Kafka and in one thread."""
    follower = Follower(Learner(pipeline.config, pipeline.config.kafka.partitions), Reader(), 0)
    with threadpool_limits(1):
        for offset, value in enumerate(pipeline.journal.values):
            follower.apply(offset, value)
        return state.digest(follower.learner)
