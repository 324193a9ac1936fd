"""Secrets: where they may come from, and that nobody says them."""

import ast
import os
from pathlib import Path

import pytest

from streamproc import cli, secrets
from streamproc.config import Config, load
from streamproc.errors import ConfigError

ROOT = Path(__file__).parents[2]
CLIENTS = {"AIOKafkaProducer", "AIOKafkaConsumer", "AIOKafkaAdminClient"}
SENTINEL = "the-sentinel-0147"
LOGIN = {"protocol": "SASL_SSL", "username": "streamproc"}
NAMES = [secrets.variable(location) for location in secrets.locations()]


@pytest.fixture(autouse=True)
def nothing_around(monkeypatch, tmp_path):
    """No file in the current folder and no variable of ours in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in [n for n in os.environ if n.startswith("STREAMPROC_")]:
        monkeypatch.delenv(name)


def password_of(config):
    return config.kafka.security.password.get_secret_value()


def from_environment(monkeypatch, folder, text):
    monkeypatch.setenv("STREAMPROC_KAFKA__SECURITY__PASSWORD", text)


def from_a_named_file(monkeypatch, folder, text):
    (folder / "anything").write_text(f"{text}\n")
    monkeypatch.setenv("STREAMPROC_KAFKA__SECURITY__PASSWORD_FILE", str(folder / "anything"))


def from_the_folder(monkeypatch, folder, text):
    (folder / "kafka__security__password").write_text(f"{text}\n")
    (folder / "of-somebody-else").write_text("not ours")
    monkeypatch.setenv("STREAMPROC_SECRETS_DIR", str(folder))


@pytest.mark.parametrize("place", [from_environment, from_a_named_file, from_the_folder])
def test_a_secret_comes_from_one_of_three_places(place, monkeypatch, tmp_path):
    """And no line end belongs to it."""
    place(monkeypatch, tmp_path, SENTINEL)

    assert password_of(load(None, {"kafka": {"security": LOGIN}})) == SENTINEL


def test_the_environment_wins_over_a_file_and_that_over_the_folder(monkeypatch, tmp_path):
    """What is nearer to the start of the process is meant."""
    found = []
    for place, text in ((from_the_folder, "c"), (from_a_named_file, "b"), (from_environment, "a")):
        place(monkeypatch, tmp_path, text)
        found.append(password_of(load(None, {"kafka": {"security": LOGIN}})))

    assert found == ["c", "b", "a"]


@pytest.mark.parametrize(
    ("text", "field"),
    [
        (f'[kafka.security]\npassword = "{SENTINEL}"\n', "kafka.security.password"),
        (f'[kafka.security]\nkey_password = "{SENTINEL}"\n', "kafka.security.key_password"),
        (f'[server]\ntoken = "{SENTINEL}"\n', "server.token"),
        (f'[metrics]\ntoken = "{SENTINEL}"\n', "metrics.token"),
    ],
)
def test_a_secret_in_the_settings_file_is_refused(tmp_path, text, field):
    """It says where it belongs instead, and does not repeat it."""
    (tmp_path / "streamproc.toml").write_text(text)

    with pytest.raises(ConfigError, match=rf"`{field}` is a secret.*STREAMPROC_\w+_FILE") as caught:
        load()

    assert SENTINEL not in str(caught.value)


@pytest.mark.parametrize(
    ("variable", "value", "reason"),
    [
        ("STREAMPROC_SECRETS_DIR", "nowhere", "no folder"),
        ("STREAMPROC_KAFKA__SECURITY__PASSWORD_FILE", "nowhere", "No such file"),
        ("STREAMPROC_KAFKA__SECURITY__PASSWORD_FILE", "empty", "is empty"),
    ],
)
def test_a_secret_that_cannot_be_read_stops_the_start(variable, value, reason, monkeypatch, tmp_path):
    """Instead of a start without it."""
    (tmp_path / "empty").write_text("\n")
    monkeypatch.setenv(variable, value)

    with pytest.raises(ConfigError, match=reason):
        load()


@pytest.mark.parametrize("json", [(), ("--json",)])
@pytest.mark.parametrize("name", NAMES)
def test_settings_are_shown_without_secrets(name, json, monkeypatch, capsys):
    """In both forms; where it comes from is said."""
    monkeypatch.setenv(name, SENTINEL)
    if name.startswith("STREAMPROC_KAFKA__SECURITY"):
        for other, value in (LOGIN | {"password": SENTINEL, "certfile": "c.pem"}).items():
            monkeypatch.setenv(f"STREAMPROC_KAFKA__SECURITY__{other}".upper(), value)

    with pytest.raises(SystemExit) as end:
        cli.main(["config", "show", *json])

    said = capsys.readouterr()
    assert end.value.code == 0, said.err
    assert "*****" in said.out
    assert SENTINEL not in said.out + said.err


def test_what_is_wrong_is_told_without_secrets(monkeypatch, tmp_path, capsys):
    """A message about a setting never repeats the values beside it."""
    monkeypatch.setenv("STREAMPROC_KAFKA__SECURITY__PASSWORD", SENTINEL)
    with pytest.raises(SystemExit):
        cli.main(["config", "check"])

    said = capsys.readouterr()
    assert "a login is set" in said.err
    assert SENTINEL not in said.out + said.err + repr(Config())


@pytest.mark.parametrize(
    ("security", "message"),
    [
        ({"protocol": "SASL_SSL", "username": "u"}, "needs username and password"),
        ({"protocol": "SASL_SSL", "mechanism": "OAUTHBEARER"}, "either token_file or token_command"),
        ({"protocol": "SSL", "username": "u"}, "nobody logs in with protocol = SSL"),
        ({"cafile": "ca.pem"}, "uses no certificates"),
        ({"protocol": "SSL", "keyfile": "key.pem"}, "not the certfile"),
    ],
)
def test_settings_that_do_not_fit_together_are_named(security, message):
    """Before anything is connected to."""
    with pytest.raises(ConfigError, match=message):
        load(None, {"kafka": {"security": security}})


@pytest.mark.parametrize(
    ("servers", "more", "fine"),
    [
        ("127.0.0.1:9092,[::1]:9092,localhost:9092", {}, True),
        ("127.0.0.1:9092,10.0.0.1:9092", {}, False),
        ("kafka:9092", {"allow_plaintext": True}, True),
        ("kafka:9092", {"protocol": "SSL"}, True),
    ],
)
def test_nothing_readable_leaves_the_machine_unless_allowed(servers, more, fine):
    """One address on another machine is enough."""
    given = {"kafka": {"bootstrap_servers": servers, "security": more}}
    if fine:
        assert load(None, given).kafka.bootstrap_servers == servers
        return
    with pytest.raises(ConfigError, match=r"security.allow_plaintext = true"):
        load(None, given)


def test_every_client_gets_the_security_settings():
    """A client that is made without them would not get in, or worse, would."""
    found = []
    for file in sorted((ROOT / "streamproc").rglob("*.py")):
        for call in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in CLIENTS:
                unpacked = [ast.unparse(word.value) for word in call.keywords if word.arg is None]
                found.append((file.name, call.func.id, unpacked))

    assert len(found) >= len(CLIENTS)
    assert [
        each for each in found if each[2] not in (["client_settings(config.kafka)"], ["_writing(config)"])
    ] == []
