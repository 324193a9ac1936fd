"""Who may ask the server, for how much, and how often; and what a refusal looks like."""

import pytest

from streamproc.config import Config
from streamproc.errors import ConfigError
from streamproc.server.admission import token
from tests import serving


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "shop.example"])
def test_an_address_that_others_reach_needs_a_token(host):
    """Or the server does not start, and says which setting is missing."""
    with pytest.raises(ConfigError, match=r"other machines can reach.*STREAMPROC_SERVER__TOKEN"):
        token(Config(server={"host": host}).server)


def test_a_token_comes_from_a_file_too(tmp_path):
    """As a container gets it; the line's end is not part of it."""
    file = tmp_path / "token"
    file.write_text("s3cret\n")

    assert token(Config(server={"host": "0.0.0.0", "token_file": str(file)}).server) == "s3cret"


def test_a_token_file_that_is_not_there_is_named(tmp_path):
    """And not taken for an empty one."""
    with pytest.raises(ConfigError, match="cannot be read"):
        token(Config(server={"token_file": str(tmp_path / "none")}).server)


async def test_with_a_token_nothing_is_told_without_it():
    """Probes excepted; a wrong one is as good as none."""
    state = serving.state({"server": {"token": "s3cret"}})
    async with serving.client(state) as client:
        refused = await client.get("/v1/model")
        wrong = await client.get("/v1/model", headers={"Authorization": "Bearer s3cre"})
        right = await client.get("/v1/model", headers={"Authorization": "Bearer s3cret"})
        probe = await client.get("/live")

    assert [refused.status_code, wrong.status_code, right.status_code, probe.status_code] == [
        401,
        401,
        200,
        200,
    ]
    assert refused.headers["www-authenticate"] == "Bearer"
    assert refused.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8080", "127.0.0.1.evil.example", ""])
async def test_another_host_s_name_is_refused(host):
    """A page elsewhere whose name was made to point here (DNS rebinding) learns nothing."""
    async with serving.client(serving.state()) as client:
        answer = await client.get("/v1/model", headers={"Host": host})

    assert answer.status_code == 421
    assert "server.hosts" in answer.json()["detail"]


async def test_a_further_name_can_be_given():
    """For who puts a proxy in front."""
    async with serving.client(serving.state({"server": {"hosts": ["shop.example"]}})) as client:
        answer = await client.get("/v1/model", headers={"Host": "Shop.example:443"})

    assert answer.status_code == 200


async def test_a_body_beyond_the_bound_is_not_read():
    """Whether its length is told beforehand or not."""
    big = b'{"items": ["' + b"x" * 70_000 + b'"]}'

    async def in_pieces():
        yield big

    async with serving.client(serving.state()) as client:
        told = await client.post("/v1/rank", content=big)
        untold = await client.post("/v1/rank", content=in_pieces())

    assert told.status_code == 413
    assert untold.status_code >= 400


async def test_more_requests_than_the_rate_are_turned_away():
    """Until the next second; probes count as well."""
    state = serving.state({"server": {"rate": 3}})
    async with serving.client(state) as client:
        codes = [(await client.get("/live")).status_code for _ in range(8)]

    assert codes[:3] == [200, 200, 200]
    assert 429 in codes[3:]


async def test_every_error_is_a_problem():
    """RFC 9457: what is wrong, where, and what to do."""
    async with serving.client(serving.state()) as client:
        answers = [
            await client.get("/nowhere"),
            await client.put("/v1/model"),
            await client.get("/v1/users/u/recommendations?n=0"),
            await client.post("/v1/rank", content=b"not JSON"),
        ]

    assert [answer.status_code for answer in answers] == [404, 405, 422, 422]
    for answer in answers:
        assert answer.headers["content-type"] == "application/problem+json"
        assert {"type", "title", "status", "detail", "instance"} <= answer.json().keys()
        assert answer.json()["status"] == answer.status_code


async def test_answers_carry_their_headers_and_nobody_else_s():
    """Nothing is guessed, framed or kept; there is no CORS."""
    async with serving.client(serving.state()) as client:
        answer = await client.get("/v1/model", headers={"Origin": "http://evil.example"})

    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["cache-control"] == "no-store"
    assert not [name for name in answer.headers if name.startswith("access-control-")]


async def test_the_documentation_needs_no_other_machine():
    """Neither the page nor what it loads."""
    async with serving.client(serving.state()) as client:
        page = await client.get("/docs")
        described = (await client.get("/openapi.json")).json()

    assert page.status_code == 200
    assert "https://" not in page.text and "http://" not in page.text
    assert "/v1/events" in described["paths"]
