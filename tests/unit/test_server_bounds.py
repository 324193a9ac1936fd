"""Whatever is sent: an answer that says what is wrong, and never an error that was not foreseen."""

import json
from urllib.parse import quote

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamproc.server.guard import EVENT_BYTES
from tests import serving
from tests.serving import CUP

LONGEST = 256  # characters of an id
TEXT = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=300)
FEW = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
JSON = {"Content-Type": "application/json"}


async def test_ids_are_taken_as_they_are():
    """Every text of up to 256 characters is an id; a longer one is refused by name."""
    state = serving.state()
    async with serving.client(state) as client:

        async def ask(user: str) -> tuple[int, dict[str, object]]:
            answer = await client.get(f"/v1/users/{quote(user, safe='')}/recommendations?n=1")
            return answer.status_code, answer.json()

        for user in drawn(TEXT):
            state.slates.put(user, serving.slate(user, 7, CUP))
            code, told = await ask(user)
            if user in (".", ".."):
                continue  # clients take these for folders, and never send them
            assert code == (200 if len(user) <= LONGEST else 422), user
            if code == 200:
                assert told["user_id"] == user


async def test_a_number_of_items_is_kept_or_refused():
    """From 1 to 100."""
    async with serving.client(serving.state()) as client:
        for n in [*drawn(st.integers(-(10**20), 10**20)), 0, 1, 100, 101]:
            answer = await client.get(f"/v1/users/nobody/recommendations?n={n}")
            assert answer.status_code == (200 if 1 <= n <= 100 else 422), n
            if answer.status_code == 200:
                assert 1 <= len(answer.json()["items"]) <= n


async def test_any_bytes_for_events_are_taken_or_refused():
    """Refusals are problems of the sender."""
    state = serving.state()
    async with serving.client(state) as client:
        for body in drawn(st.binary(max_size=200)):
            answer = await client.post("/v1/events", content=body, headers=JSON)
            assert 400 <= answer.status_code < 500, body
            assert answer.headers["content-type"] == "application/problem+json"
    assert state.producer.sent == []


async def test_any_json_for_a_window_is_ranked_or_refused():
    """Also what looks like a window, and is none."""
    leaves = st.none() | st.booleans() | st.floats() | st.text(max_size=5)
    values = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3), max_leaves=6)
    windows = st.fixed_dictionaries({"items": values | st.lists(TEXT, max_size=3)}, optional={"n": values})
    async with serving.client(serving.state()) as client:
        for window in drawn(windows):
            answer = await client.post("/v1/rank", content=json.dumps(window), headers=JSON)
            assert answer.status_code in (200, 422), window


async def test_a_body_may_be_as_long_as_its_bound():
    """One byte more is refused, and nothing of it is read."""
    state = serving.state({"server": {"max_body": 1000, "max_events": 2}})
    longest = max(1000, 2 * EVENT_BYTES)
    async with serving.client(state) as client:
        events = [
            (await client.post("/v1/events", content=b" " * size, headers=JSON)).status_code
            for size in (longest, longest + 1)
        ]
        others = [
            (await client.post("/v1/rank", content=b" " * size, headers=JSON)).status_code
            for size in (1000, 1001)
        ]

    assert events[1] == others[1] == 413
    assert 413 not in (events[0], others[0])


def drawn(strategy):
    """Some values of a strategy, the same ones every time."""
    found = []

    @FEW
    @given(strategy)
    def draw(value):
        found.append(value)

    draw()
    return found
