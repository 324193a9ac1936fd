"""Every part behind TLS and a password; and where the password is never seen."""

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from streamproc.config import Config
from streamproc.contracts.events import encode
from streamproc.errors import KafkaRefused
from streamproc.kafka.feed import Feed
from streamproc.simulate.shop import Shop
from tests.integration.doors import PASSWORD, Doors
from tests.integration.pipeline import Pipeline

pytestmark = pytest.mark.kafka

EVENTS, USERS = 800, 20
TOKEN = "the-sentinel-of-the-server-0369"
SENTINELS = (PASSWORD, TOKEN)


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    """A running Kafka that asks for TLS and a password."""
    made = Doors(tmp_path_factory.mktemp("doors"))
    with made.broker():
        yield made


@pytest.fixture
def secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The password comes from a file that the environment names, the token from the secrets folder."""
    folder = tmp_path / "secrets"
    folder.mkdir()
    (folder / "password").write_text(PASSWORD + "\n")
    (folder / "server__token").write_text(TOKEN + "\n")
    monkeypatch.setenv("STREAMPROC_KAFKA__SECURITY__PASSWORD_FILE", str(folder / "password"))
    monkeypatch.setenv("STREAMPROC_SECRETS_DIR", str(folder))
    return folder


def pipeline(doors: Doors, prefix: str, folder: Path) -> Pipeline:
    """Whose parts are not told the password by their settings."""
    kafka = {"bootstrap_servers": doors.address("SCRAM"), "prefix": prefix, "security": doors.scram()}
    config = Config.model_validate({"data_dir": folder / "data", "kafka": kafka})
    told = {name: value for name, value in doors.scram().items() if name != "password"}
    return Pipeline(config, {"kafka": {"security": told}, "server": {"port": 0}})


def ask(address: str, token: str | None = None) -> str:
    """The text of an answer, also of a refusal."""
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {token}"} if token else {})
    try:
        with urllib.request.urlopen(request) as answer:
            return str(answer.read(), "utf-8")
    except urllib.error.HTTPError as error:
        return str(error.read(), "utf-8")


async def fed(running: Pipeline) -> None:
    """Events of a shop, and one that is none."""
    events = list(Shop(users=USERS, items=40).events(EVENTS))
    async with Feed(running.config, running.recorded.topics.events.name) as into:
        await into.send([event.user_id.encode() for event in events], [encode(event) for event in events])
        await into.send([b"u"], [b"no event"])
        await into.flush()


async def served(running: Pipeline) -> bool:
    """Whether the server has read what was published."""
    file = running.config.data_dir / "run" / "server.json"
    if not file.exists():
        return False
    page = page_of(json.loads(file.read_text()))
    return '"ready"' in await asyncio.to_thread(ask, f"{page}/ready")


def page_of(part: dict[str, str]) -> str:
    """Where a part answers requests: the server's figures have a port of their own where it has a token."""
    return part.get("page") or part["metrics"].removesuffix("/metrics")


async def answers(running: Pipeline) -> list[str]:
    """What all parts say to whoever asks."""
    told = []
    for file in (running.config.data_dir / "run").glob("*.json"):
        part = json.loads(file.read_text())
        address, page = part["metrics"], page_of(part)
        places = [address, f"{page}/v1/users/u/recommendations?n=many", f"{page}/nothing", f"{page}/docs"]
        told += [await asyncio.to_thread(ask, place, token) for place in places for token in (TOKEN, None)]
    return told


async def test_all_parts_work_behind_tls_and_nobody_tells_the_secrets(
    doors: Doors, tmp_path: Path, secrets: Path
) -> None:
    """Worker, trainer, refresh, server through SCRAM; no secret in logs, figures, dead letters, answers."""
    async with pipeline(doors, "behind-", tmp_path) as running:
        running.start("worker", "trainer", "serve")
        await fed(running)
        await running.until_learned()
        assert await running.until_answered(2)
        assert "generation 1" in await running.run("refresh", "now")

        await running.until(partial(served, running), "the server answers")
        told = await answers(running)
        told += [await running.run(*shown) for shown in (("config", "show"), ("config", "show", "--json"))]
        told.append(await running.run("status", "--json"))
        kept = [repr(letter) for letter in await running.recorded.dead_letters()]
        await running.stop("serve", "worker", "trainer")
        told += [log.read_text() for log in running.config.data_dir.glob("*.log")]

    assert any("streamproc_events_consumed_total" in text for text in told)
    assert any("streamproc_model_version" in text for text in told)
    assert any("not_json" in letter for letter in kept)
    assert [text for text in (*told, *kept) for secret in SENTINELS if secret in text] == []


@pytest.mark.parametrize("part", ["worker", "trainer", "refresh", "serve"])
async def test_a_wrong_password_ends_a_part_with_what_to_do(
    doors: Doors, tmp_path: Path, secrets: Path, part: str
) -> None:
    """Exit code 3 and one line, that does not tell the password; at once, not after the time limit."""
    (secrets / "password").write_text("a-wrong-sentinel")
    running = pipeline(doors, "wrong-", tmp_path)
    running.config.data_dir.mkdir(parents=True)
    running.start(part)
    process = running._running[part]
    try:
        code = await asyncio.to_thread(process.wait, 300.0)
    finally:
        process.kill()

    said = running.last_words(part)
    assert code == KafkaRefused.exit_code, said
    assert '"error": "Kafka at' in said and "STREAMPROC_KAFKA__SECURITY__PASSWORD" in said
    assert "a-wrong-sentinel" not in said and "Traceback" not in said
