"""What a page from elsewhere, a client without manners, or a catalogue that changed must not come to."""

import asyncio
import json
from functools import partial

import pytest

from streamproc.contracts.items import Item
from streamproc.errors import TopicMismatch
from streamproc.server.cold import ColdSlate
from tests import serving
from tests.serving import CUP, SPOON, TEA

EVENT = {"type": "click", "user_id": "u1", "item_id": TEA, "ts": 5000}
EVIL = {"Origin": "http://evil.example"}


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
async def test_a_page_from_elsewhere_cannot_send_events(content_type):
    """A browser lets any page post plain text to loopback without asking; that must teach nothing."""
    state = serving.state()
    async with serving.client(state) as client:
        headers = {"Content-Type": content_type} if content_type else {}
        plain = await client.post("/v1/events", content=json.dumps(EVENT), headers=headers)
        foreign = await client.post("/v1/events", json=EVENT, headers=EVIL)

    assert plain.status_code == 415 and "application/json" in plain.json()["detail"]
    assert foreign.status_code == 403 and "evil.example" in foreign.json()["detail"]
    assert state.producer.sent == []


async def test_our_own_page_may_send_events():
    """The console comes from the same address."""
    state = serving.state()
    async with serving.client(state) as client:
        answer = await client.post("/v1/events", json=EVENT, headers={"Origin": "http://127.0.0.1:8080"})

    assert answer.status_code == 202
    assert len(state.producer.sent) == 1


async def test_a_body_without_a_length_is_measured_too():
    """Too large is too large, and said as such."""

    async def endless():
        for _ in range(64):
            yield b"[" * 100_000

    state = serving.state()
    async with serving.client(state) as client:
        answer = await client.post(
            "/v1/events", content=endless(), headers={"Content-Type": "application/json"}
        )

    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert state.producer.sent == []


async def test_an_item_that_is_not_available_is_on_no_slate():
    """Not even on one that was published before."""
    state = serving.state()
    state.slates.put("u1", serving.slate("u1", 7, CUP, SPOON))
    state.catalogue[CUP] = Item(CUP, available=False)

    async with serving.client(state) as client:
        answer = (await client.get("/v1/users/u1/recommendations")).json()

    assert CUP not in [item["item_id"] for item in answer["items"]]


async def test_a_wrong_method_is_told_the_right_ones():
    """As HTTP asks for."""
    async with serving.client(serving.state()) as client:
        answer = await client.get("/v1/events")

    assert answer.status_code == 405 and "POST" in answer.headers["allow"]


async def test_spaces_before_a_list_are_no_fault():
    """JSON allows them."""
    state = serving.state()
    body = b"\n  " + json.dumps([EVENT, EVENT]).encode()
    async with serving.client(state) as client:
        answer = await client.post("/v1/events", content=body, headers={"Content-Type": "application/json"})

    assert answer.status_code == 202 and answer.json()["accepted"] == 2


async def test_events_that_did_not_arrive_can_be_sent_again_without_harm():
    """Their ids are told, for a client that gave none."""
    state = serving.state()
    state.producer.fail = True
    async with serving.client(state) as client:
        answer = await client.post("/v1/events", json=[EVENT, EVENT])

    assert answer.status_code == 503
    assert len(set(answer.json()["event_ids"])) == 2


async def test_a_token_s_scheme_is_written_as_one_likes():
    """RFC 9110: the scheme has no case."""
    async with serving.client(serving.state({"server": {"token": "s3cret"}})) as client:
        answer = await client.get("/v1/model", headers={"Authorization": "bearer s3cret"})

    assert answer.status_code == 200


async def test_answers_may_load_nothing():
    """Whoever opens one in a browser is safe from what an id may hold."""
    async with serving.client(serving.state()) as client:
        answer = await client.get("/v1/model")

    assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"


@pytest.mark.parametrize("item", ["\ud800", "\x00", "\ufeff", "a\nb", "💥"])
async def test_a_window_of_odd_items_is_no_accident(item):
    """Refused or ranked, never an error that was not foreseen."""
    async with serving.client(serving.state()) as client:
        answer = await client.post(
            "/v1/rank",
            content=json.dumps({"items": [item]}),
            headers={"Content-Type": "application/json"},
        )

    assert answer.status_code in (200, 422)


async def test_a_stranger_is_answered_alike_on_both_ways():
    """The short one, once the slate is known, and the framework's."""
    async with serving.client(serving.state()) as client:
        first = await client.get("/v1/users/nobody/recommendations")
        again = await client.get("/v1/users/nobody/recommendations")
        filtered = await client.get("/v1/users/nobody/recommendations?n=20")
        figures = await client.get("/v1/users//recommendations")

    assert first.json() == again.json() == filtered.json()
    assert first.headers["content-type"] == again.headers["content-type"]
    assert figures.status_code == 422


async def test_strangers_wait_for_one_answer_together():
    """However many come at once, the model is asked once."""
    state = serving.state()
    asked = []
    rank = state.asker.rank

    def counted(*arguments):
        asked.append(arguments)
        return rank(*arguments)

    state.asker.rank = counted
    state._cold = ColdSlate(partial(state.run, counted, "", None, "cold"))
    async with serving.client(state) as client:
        names = [f"stranger {number}" for number in range(20)]
        answers = await asyncio.gather(*[client.get(f"/v1/users/{name}/recommendations") for name in names])

    assert [answer.json()["user_id"] for answer in answers] == names
    assert len(asked) == 1


async def test_a_topic_that_cannot_be_followed_ends_the_server():
    """Or it would answer with what it knew for ever; a restart may mend it."""
    state = serving.state()
    failed = asyncio.Event()
    state.on_failure = failed.set

    async def waiting() -> None:
        await asyncio.Event().wait()

    async def broken() -> None:
        raise TopicMismatch("the model has another layout", "Start it with the same settings")

    state.followed.run, state.model.run = waiting, broken
    async with serving.client(state) as client:
        before = await client.get("/live")
        state.start()
        await failed.wait()
        after = await client.get("/live")
        ready = await client.get("/ready")
        await state.close()

    assert before.status_code == 200
    assert after.status_code == ready.status_code == 503
    assert "another layout" in after.json()["detail"] and "another layout" in ready.json()["detail"]
    assert isinstance(state.failed, TopicMismatch)


async def test_figures_know_a_request_by_its_pattern():
    """Never by an id, and on both ways by the same."""
    state = serving.state()
    state.slates.put("u1", serving.slate("u1", 7, CUP))
    async with serving.client(state) as client:
        for path in ("/v1/users/u1/recommendations", "/v1/users/u1/recommendations?n=1", "/nothing/here"):
            await client.get(path)

    counted = {
        (sample.labels["route"], sample.labels["code"]): sample.value
        for family in state.metrics.requests.collect()
        for sample in family.samples
        if sample.name.endswith("_total")
    }
    assert counted == {("/v1/users/{user_id}/recommendations", "200"): 2.0, ("other", "404"): 1.0}
