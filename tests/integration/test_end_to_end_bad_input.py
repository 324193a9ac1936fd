"""What is no event goes to the dead letters with its reason and its bytes; nothing else notices."""

import hashlib
from collections import Counter

import msgspec

from streamproc.contracts.deadletters import KEPT_BYTES
from streamproc.contracts.events import UNKNOWN_KIND, encode
from streamproc.contracts.ids import texts
from streamproc.kafka.feed import Feed
from streamproc.simulate.shop import Shop
from tests.integration.pipeline import Pipeline

GOOD, USERS = 600, 20
MORNING = 1_700_000_000_000  # ms
YEAR_2100 = 4_102_444_800_000  # ms


def spoiled(**changes):
    """A good event but for these fields; None takes a field away."""
    event = {"type": "click", "user_id": "u", "item_id": "i", "ts": MORNING} | changes
    return msgspec.json.encode({name: value for name, value in event.items() if value is not None})


HUGE = spoiled(context={"text": "x" * 2_000_000})
BAD = [
    ("not_json", b"click"),
    ("not_json", b""),
    ("not_json", None),
    ("invalid_utf8", spoiled(item_id="tea").replace(b"tea", b"\xff\xfe")),
    ("missing_field", spoiled(item_id=None)),
    ("wrong_type", spoiled(item_id=5)),
    ("bad_id", spoiled(user_id="")),
    ("bad_id", spoiled(item_id="i" * 257)),
    ("bad_id", spoiled(item_id="a\nb")),
    ("bad_value", spoiled(value=1.5).replace(b"1.5", b"NaN")),
    ("bad_value", spoiled(value=1.5).replace(b"1.5", b"Infinity")),
    ("bad_value", spoiled(value=1.5).replace(b"1.5", b"1e999")),
    ("bad_value", spoiled(ts="yesterday")),
    ("future_time", spoiled(ts=YEAR_2100)),
    ("unknown_version", spoiled(v=2)),
    ("unknown_type", spoiled(type="stare")),
    ("too_large", HUGE),
]


def reason(letter):
    return dict(letter.headers)["streamproc.reason"].decode()


async def feed(pipeline, keyed):
    """Records in this order."""
    async with Feed(pipeline.config, pipeline.recorded.topics.events.name) as into:
        for key, value in keyed:
            await into.send([key], [value])
        await into.flush()


async def test_bad_records_are_set_aside_and_nothing_else_changes(config):
    """Each among good events of the same users: its bytes are kept, and only the good ones are learned."""
    events = list(Shop(users=USERS, items=40, opening=MORNING).events(GOOD))
    late = encode(msgspec.structs.replace(events[0], event_id="late", ts=MORNING - 10**8))
    wrong = [*BAD, ("late", late)]
    keys = [event.user_id.encode() for event in events]
    places = range(GOOD // 2, GOOD, 10)
    between = dict(zip(places, wrong, strict=False))
    mixed = []
    for place, (key, event) in enumerate(zip(keys, events, strict=True)):
        mixed.append((key, encode(event)))
        if place in between:
            mixed.append((keys[0], between[place][1]))

    async with Pipeline(config) as pipeline:
        pipeline.start("worker", "trainer")
        await feed(pipeline, mixed)
        header = await pipeline.until_learned()
        slates = await pipeline.until_answered(len(set(keys)))
        letters = await pipeline.recorded.dead_letters()
        await pipeline.stop("worker", "trainer")

    for part in ("worker", "trainer"):
        check_log(pipeline.logged(part), {key.decode() for key in keys})
    told = [line["reason"] for line in pipeline.logged("worker") if line["event"].endswith("set aside")]
    assert {*told} == {why for why, _ in wrong}
    assert len(told) <= len({*told}) * config.kafka.partitions
    kept = {letter.value: reason(letter) for letter in letters}
    assert Counter(map(reason, letters)) == Counter(why for why, _ in wrong)
    assert all(kept[value] == why for why, value in wrong if value is not HUGE)
    assert cut(letters) == (HUGE[:KEPT_BYTES], str(len(HUGE)), hashlib.sha256(HUGE).hexdigest())
    assert {letter.key for letter in letters} == {keys[0]}
    assert header.events == pipeline.journal.events == GOOD
    assert in_order(pipeline.journal) == in_order_of(events)
    assert slates.keys() == pipeline.journal.user_ids == {key.decode() for key in keys}


async def test_an_unknown_type_counts_where_the_config_says_so(config):
    """It is learned with events.unknown_strength, and no dead letter is written."""
    async with Pipeline(config, {"events": {"unknown_type": "count"}}) as pipeline:
        pipeline.start("worker", "trainer")
        await feed(pipeline, [(b"u", spoiled(type="stare"))])
        header = await pipeline.until_learned()
        letters = await pipeline.recorded.dead_letters()
        await pipeline.stop("worker", "trainer")

    [(_, columns)] = pipeline.journal.accepted
    assert columns.kinds.tolist() == [UNKNOWN_KIND]
    assert (header.events, letters) == (1, [])


def check_log(lines, users):
    """One object for each step of a part's life: none for an event, and nothing of who they are."""
    assert [lines[0]["event"], lines[-1]["event"]] == ["starts", "stopped in order"]
    assert len(lines) < GOOD / 5
    assert not users & {str(value) for line in lines for value in line.values()}


def cut(letters):
    """What is kept of a record that is too large: its beginning, its length and its sha256."""
    [letter] = [letter for letter in letters if reason(letter) == "too_large"]
    headers = dict(letter.headers)
    return letter.value, headers["streamproc.length"].decode(), headers["streamproc.sha256"].decode()


def in_order(journal):
    """Items of every user, in the journal's order."""
    found = {}
    for _, columns in journal.accepted:
        for user, item in zip(texts(columns.user_ids), texts(columns.item_ids), strict=True):
            found.setdefault(user.decode(), []).append(item.decode())
    return found


def in_order_of(events):
    """The same of what was sent."""
    found = {}
    for event in events:
        found.setdefault(event.user_id, []).append(event.item_id)
    return found
