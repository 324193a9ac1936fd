"""Parts of the embedded broker that need no broker."""

import random
import socket
from pathlib import Path

import pytest

from streamproc.broker import jars, java, probe, properties
from streamproc.errors import BrokerFailed


def test_every_jar_is_pinned_by_a_checksum() -> None:
    """45 coordinates, each once, each with 64 hexadecimal digits."""
    pinned = jars.pinned()

    assert len({jar.path for jar in pinned}) == len(pinned) == 45
    assert all(len(jar.sha256) == 64 and int(jar.sha256, 16) for jar in pinned)


@pytest.fixture
def one_jar(monkeypatch: pytest.MonkeyPatch) -> jars.Jar:
    """A repository that needs one jar."""
    jar = jars.Jar(
        "org.shop", "tea", "1.0", "3c5bb7e23af5d5ce2a2a52fa5f0e4bf5fd7b0f8a8eb5a6da0d97c01e42b9f9b5"
    )
    monkeypatch.setattr(jars, "pinned", lambda: [jar])
    return jar


def test_a_jar_with_other_bytes_is_never_used(
    one_jar: jars.Jar, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A download that does not fit its checksum is deleted and named."""
    place = tmp_path / "jars" / one_jar.path

    def download(jar: jars.Jar, repository: Path) -> None:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(b"something else")

    monkeypatch.setattr(jars, "_resolve", download)

    with pytest.raises(BrokerFailed, match=r"org.shop:tea:1.0 .* sha256"):
        jars.fetch(tmp_path)
    assert not place.exists()


def test_a_cached_jar_is_not_fetched_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once everything is there no network is needed."""
    sha256 = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"  # of the letter a
    jar = jars.Jar("org.shop", "cup", "1.0", sha256)
    monkeypatch.setattr(jars, "pinned", lambda: [jar])
    monkeypatch.setattr(jars, "_resolve", lambda *_: pytest.fail("asked the network"))
    place = tmp_path / "jars" / jar.path
    place.parent.mkdir(parents=True)
    place.write_bytes(b"a")

    assert jars.fetch(tmp_path) == [place]


@pytest.mark.parametrize(
    ("text", "major"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('java version "1.8.0_392"', 8),
        ('openjdk version "25" 2025-09-16', 25),
        ("command not found", None),
    ],
)
def test_the_version_of_java_is_read_from_its_own_words(text: str, major: int | None) -> None:
    """Old and new numbering, and programs that are no Java."""
    assert java.parse_version(text) == major


def test_the_broker_listens_on_loopback_only(tmp_path: Path) -> None:
    """No listener names another address."""
    lines = dict(line.split("=", 1) for line in properties.render(1234, 5678, tmp_path).splitlines())

    assert lines["listeners"] == "PLAINTEXT://127.0.0.1:1234,CONTROLLER://127.0.0.1:5678"


def test_nobody_listening_is_not_a_ready_broker() -> None:
    """Asking a closed port answers no instead of failing."""
    assert not probe.ready(probe.free_port())


def test_the_second_free_port_is_another_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Broker and controller listen on two, even where chance says the same twice."""
    chosen = iter([20_001, 20_001, 20_002])
    monkeypatch.setattr(probe, "PORTS", [20_001, 20_002])
    monkeypatch.setattr(random.SystemRandom, "choice", lambda *_: next(chosen))
    monkeypatch.setattr(probe, "taken", lambda _: False)

    first = probe.free_port()

    assert (first, probe.free_port(but=first)) == (20_001, 20_002)


def test_a_free_port_is_none_that_the_system_may_give_to_somebody_else() -> None:
    """Below those of connections that others open; and what is taken is not offered."""
    with socket.socket() as listener, socket.socket() as other:
        listener.bind(("127.0.0.1", probe.free_port()))
        listener.listen()
        other.bind(("127.0.0.1", 0))

        port = listener.getsockname()[1]
        assert port < other.getsockname()[1]
        assert probe.taken(port)
        assert not probe.taken(probe.free_port())
