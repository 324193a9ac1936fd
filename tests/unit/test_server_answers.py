"""What the server answers: slates, reasons, rankings on request, events taken."""

import json

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamproc.contracts.items import Item
from streamproc.contracts.slates import decode_slate
from streamproc.server.slates import NewestSlates
from tests import serving
from tests.serving import CUP, SPOON, TEA


async def test_a_user_gets_the_newest_slate_as_it_was_published():
    """Byte for byte: `rec_id` and `because` are what everybody else saw."""
    state = serving.state()
    published = serving.slate("u1", 7, CUP, SPOON)
    state.slates.put("u1", published)

    async with serving.client(state) as client:
        answer = await client.get("/v1/users/u1/recommendations")

    assert answer.content == published


@pytest.mark.parametrize("user", ["a/b", "ü ö", "recommendations", "%", "x" * 256, "why/not", "two\nlines"])
async def test_any_id_can_be_asked_for(user):
    """Also with what means something in an address."""
    state = serving.state()
    state.slates.put(user, serving.slate(user, 7, CUP))

    async with serving.client(state) as client:
        from urllib.parse import quote

        answer = await client.get(f"/v1/users/{quote(user, safe='')}/recommendations")

    assert answer.json()["user_id"] == user
    assert answer.json()["items"][0]["item_id"] == CUP


async def test_fewer_other_and_certain_items_can_be_wanted():
    """Places are counted anew, from 1."""
    state = serving.state()
    state.slates.put("u1", serving.slate("u1", 7, CUP, SPOON, TEA))
    state.catalogue |= {CUP: Item(CUP, categories=("kitchen",)), SPOON: Item(SPOON, available=False)}

    async with serving.client(state) as client:
        one = (await client.get("/v1/users/u1/recommendations?n=1")).json()
        others = (await client.get(f"/v1/users/u1/recommendations?exclude={CUP}")).json()
        kitchen = (await client.get("/v1/users/u1/recommendations?category=kitchen")).json()
        nothing = (await client.get("/v1/users/u1/recommendations?category=garden")).json()

    assert [item["item_id"] for item in one["items"]] == [CUP]
    assert [(item["item_id"], item["rank"]) for item in others["items"]] == [(TEA, 1)]  # no spoon at hand
    assert [item["item_id"] for item in kitchen["items"]] == [CUP]
    assert nothing["items"] == [] and "No candidate is left" in nothing["note"]


async def test_a_stranger_gets_what_is_popular_and_is_told_so():
    """Never an empty answer without a word."""
    async with serving.client(serving.state()) as client:
        answer = (await client.get("/v1/users/nobody/recommendations?n=2")).json()

    assert answer["trigger"]["kind"] == "cold"
    assert answer["user_id"] == "nobody"
    assert len(answer["items"]) == 2


async def test_before_the_first_model_the_server_says_so():
    """503, with what brings one."""
    async with serving.client(serving.state(with_model=False)) as client:
        answer = await client.get("/v1/users/nobody/recommendations")
        model = (await client.get("/v1/model")).json()

    assert answer.status_code == 503 and "No model yet" in answer.json()["detail"]
    assert model["version"] == 0


async def test_why_an_item_is_on_a_slate():
    """The user had tea; by the toy's Markov chain cup comes next."""
    state = serving.state()
    serving.watch(state, "u1", TEA)
    state.slates.put("u1", serving.slate("u1", 7, CUP, SPOON))

    async with serving.client(state) as client:
        told = (await client.get(f"/v1/users/u1/why/{CUP}")).json()

    assert told["known_user"] and told["on_slate"] and told["slate_rank"] == 1
    assert told["gate"] == {"short_term": 0.6, "long_term": 0.1, "popularity": 0.3}
    assert told["rank"] >= 1 and told["answering"] == "fusion"
    assert told["because"] == [TEA] or told["source"] == "popularity"
    assert sum(told["parts"].values()) == pytest.approx(told["score"], abs=1e-4)


async def test_why_an_item_is_not_on_a_slate():
    """Disliked, or unknown to the model."""
    state = serving.state({"rules": {"exclude_seen": False}})
    serving.watch(state, "u1", TEA)

    async with serving.client(state) as client:
        stranger = (await client.get(f"/v1/users/nobody/why/{TEA}")).json()
        unknown = await client.get("/v1/users/u1/why/samovar")

    assert not stranger["known_user"] and stranger["reason"]
    assert unknown.status_code == 404 and "samovar" in unknown.json()["detail"]


async def test_a_window_can_be_made_up():
    """After tea the chain knows cup; nothing of it is remembered."""
    state = serving.state()
    async with serving.client(state) as client:
        after = (await client.post("/v1/rank", json={"items": [TEA], "n": 3})).json()
        nobody = (await client.post("/v1/rank", json={"items": [], "n": 3})).json()
        without = (await client.post("/v1/rank", json={"items": [TEA], "exclude": [CUP]})).json()
        strange = await client.post("/v1/rank", json={"items": [TEA], "type": "sniff"})

    assert {item["item_id"] for item in after["items"]} == {TEA, CUP, SPOON}
    assert after["gate"] != nobody["gate"]
    assert CUP not in {item["item_id"] for item in without["items"]}
    assert strange.status_code == 422 and "events.types" in strange.json()["detail"]
    assert len(state.slates) == 0 and len(state.states) == 0


async def test_what_goes_with_an_item():
    """Cup follows tea in every table of the toy, with all of the weight."""
    async with serving.client(serving.state()) as client:
        answer = (await client.get(f"/v1/items/{TEA}/similar")).json()
        unknown = await client.get("/v1/items/samovar/similar")

    assert [(item["item_id"], item["score"]) for item in answer["items"]] == [(CUP, 1.0)]
    assert set(answer["items"][0]["parts"]) == {"covisitation", "markov", "session", "long_term"}
    assert unknown.status_code == 404


EVENT = {"type": "click", "user_id": "u1", "item_id": TEA, "ts": 5000}


async def test_events_are_taken_with_the_place_that_they_have_now():
    """One, or several; each has an id afterwards, so that it can be sent again without harm."""
    state = serving.state()
    async with serving.client(state) as client:
        one = await client.post("/v1/events", json=EVENT)
        two = await client.post("/v1/events", json=[EVENT, EVENT | {"event_id": "e2"}])

    assert one.status_code == two.status_code == 202
    assert one.json()["accepted"] == 1 and two.json()["accepted"] == 2
    assert two.json()["events"][1]["event_id"] == "e2"
    assert all(event.event_id for event in state.producer.sent)


@pytest.mark.parametrize(
    "bad",
    [
        b"not JSON", b"[", b"{", b"[]", b"null", b"17", b'"text"',
        b'{"type":"click","user_id":"u1","item_id":"tea"}',
        b'{"type":"click","user_id":"","item_id":"tea","ts":5000}',
        b'{"type":"click","user_id":"u1","item_id":"tea","ts":9999999999999}',
        b'{"type":"sniff","user_id":"u1","item_id":"tea","ts":5000}',
        b'{"type":"rating","user_id":"u1","item_id":"tea","ts":5000}',
    ],
)  # fmt: skip
async def test_of_a_request_with_a_bad_event_nothing_is_taken(bad):
    """The good one beside it is not taken either."""
    state = serving.state()
    body = b"[" + json.dumps(EVENT).encode() + b"," + bad + b"]"
    async with serving.client(state) as client:
        alone = await client.post("/v1/events", content=bad)
        among = await client.post("/v1/events", content=body)

    assert 400 <= alone.status_code < 500 and 400 <= among.status_code < 500
    assert state.producer.sent == []


async def test_more_events_than_allowed_are_refused():
    """With the setting that says how many."""
    async with serving.client(serving.state({"server": {"max_events": 2}})) as client:
        answer = await client.post("/v1/events", json=[EVENT] * 3)

    assert answer.status_code == 413 and "server.max_events" in answer.json()["detail"]


def test_an_older_event_s_slate_does_not_come_back():
    """A worker that had lost the partition may still have sent one."""
    slates = NewestSlates(10)

    slates.put("u1", serving.slate("u1", 8, CUP))
    slates.put("u1", serving.slate("u1", 7, TEA))

    kept = slates.get("u1")
    assert kept is not None and decode_slate(kept.value).items[0].item_id == CUP


def test_a_refreshed_slate_replaces_and_is_replaced():
    """Its offset is the journal's, and says nothing about events."""
    slates = NewestSlates(10)

    slates.put("u1", serving.slate("u1", 8, CUP))
    slates.put("u1", serving.slate("u1", 3, SPOON, kind="refresh"))
    refreshed = slates.get("u1")
    slates.put("u1", serving.slate("u1", 7, TEA))  # before the event that was answered already
    late = slates.get("u1")
    slates.put("u1", serving.slate("u1", 9, TEA))

    assert refreshed is late and refreshed is not None
    assert decode_slate(refreshed.value).items[0].item_id == SPOON
    assert decode_slate(slates.get("u1").value).items[0].item_id == TEA  # type: ignore[union-attr]


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 50)), max_size=40))
@settings(max_examples=60, deadline=None)
def test_the_bound_holds_and_the_latest_stay(history):
    """However users come, at most three are kept, and they are those whose slates came last."""
    slates = NewestSlates(3)
    taken = [user for user, offset in history if slates.put(user, serving.slate(user, offset, TEA))]

    latest = list(dict.fromkeys(reversed(taken)))[:3]
    assert slates.latest(10) == latest


def test_a_tombstone_forgets_a_user():
    """As everywhere on compacted topics."""
    slates = NewestSlates(3)
    slates.put("u1", serving.slate("u1", 1, TEA))

    slates.put("u1", None)

    assert slates.get("u1") is None


def test_what_is_no_slate_is_an_error_of_its_own():
    """For the follower to count, not to stumble over."""
    with pytest.raises(msgspec.MsgspecError):
        NewestSlates(3).put("u1", b"{}")
