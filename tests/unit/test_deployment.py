"""docker/ and the page for operators name only what there is."""

import re
import shutil
import subprocess
from pathlib import Path

import click
import pytest
import yaml

from streamproc import cli, secrets
from streamproc.commands.config import leaves
from streamproc.config import Config, load
from tests import deployed
from tests.deployed import DOCKER, ROOT

ENVIRONMENTS = deployed.environments()
COMMANDS = list(deployed.commands())
FILES = [file.relative_to(ROOT) for file in deployed.files()]


def known_variables():
    settings = {secrets.variable(location) for location, _ in leaves(Config().model_dump())}
    of_files = {secrets.variable(location) + secrets.SUFFIX for location in secrets.locations()}
    return settings | of_files | {secrets.FOLDER}


@pytest.mark.parametrize("file", FILES, ids=str)
def test_every_variable_is_a_setting(file):
    """A typo would be found only when a container does not start."""
    named = set(deployed.VARIABLE.findall((ROOT / file).read_text("utf-8")))

    assert named - known_variables() == set()


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_every_part_would_start_with_what_it_is_given(name, tmp_path, monkeypatch):
    """The settings fit together: a login with its password, a token where other machines may ask."""
    for secret in ("kafka__security__password", "server__token", "metrics__token"):
        (tmp_path / secret).write_text("open sesame")
    monkeypatch.chdir(tmp_path)
    for variable, value in ENVIRONMENTS[name].items():
        if variable == secrets.FOLDER:
            value = str(tmp_path)
        elif variable.endswith(secrets.SUFFIX):
            value = str(tmp_path / "server__token")
        monkeypatch.setenv(variable, value)

    config = load()

    assert config.metrics.token or config.metrics.host == "127.0.0.1"
    assert config.server.token or config.server.token_file or config.server.host == "127.0.0.1"
    assert config.kafka.security.encrypted or config.kafka.security.allow_plaintext


@pytest.mark.parametrize(("where", "words"), COMMANDS, ids=[f"{w}: {' '.join(c)}"[:60] for w, c in COMMANDS])
def test_every_command_and_flag_exists(where, words):
    """As click reads them, without running any."""
    command, context = cli.group, click.Context(cli.group)
    words = list(words)
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        command = command.get_command(context, words.pop(0))
        assert command is not None, (where, words)
    options = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    options |= {"--help", "--version"}
    given = {word.split("=")[0] for word in words if re.match(r"--[a-z]", word)}
    assert given - options == set()


def test_parts_in_containers_may_do_little():
    """No root, no capability, nothing to write but their folders; every port on this machine."""
    for name, service in deployed.own_services().items():
        assert service["read_only"] and service["cap_drop"] == ["ALL"], name
    for name, pod in deployed.pods().items():
        assert pod["securityContext"]["runAsUser"] == 10001, name
        assert pod["containers"][0]["securityContext"]["readOnlyRootFilesystem"], name
        assert pod["enableServiceLinks"] is False, f"{name}: its variables would be taken for settings"
    ports = [port for service in deployed.compose()["services"].values() for port in service.get("ports", ())]
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


def test_prometheus_asks_every_part_where_it_answers():
    """Names and ports of the scrape jobs are those of the containers; job names are those of the alerts."""
    scrapes = yaml.safe_load((DOCKER / "prometheus" / "prometheus.yml").read_text("utf-8"))["scrape_configs"]
    asked = {target for job in scrapes for group in job["static_configs"] for target in group["targets"]}

    answering = set()
    for name, service in deployed.own_services().items():
        part = service["command"][0]
        setting = "SERVER__PORT" if part == "serve" else f"METRICS__{part.upper()}_PORT"
        answering.add(f"{name}:{service['environment'][f'STREAMPROC_{setting}']}")

    assert asked == answering
    alerts = (DOCKER / "prometheus" / "rules" / "alerts.yml").read_text("utf-8")
    [jobs] = re.findall(r'job=~"\(streamproc-\)\?\(([a-z|]+)\)"', alerts)
    assert {job["job_name"] for job in scrapes} == set(jobs.split("|"))


def test_the_server_in_a_container_asks_every_part_too():
    """The console shows what it can ask."""
    services = deployed.own_services()
    asked = set(yaml.safe_load(services["serve"]["environment"]["STREAMPROC_SERVER__SCRAPE"]))

    assert asked == {
        f"{service['command'][0]}={name}:"
        + service["environment"][f"STREAMPROC_METRICS__{service['command'][0].upper()}_PORT"]
        for name, service in services.items()
        if name != "serve"
    }


def test_every_manifest_is_in_a_kustomization():
    """A file that nobody applies is no protection."""
    for folder in (DOCKER / "kubernetes", DOCKER / "kubernetes" / "monitoring"):
        listed = yaml.safe_load((folder / "kustomization.yaml").read_text("utf-8"))["resources"]
        there = {file.name for file in folder.glob("*.yaml")} - {"kustomization.yaml"}
        assert set(listed) == there


def test_no_more_workers_than_partitions():
    """The autoscaler's upper end is where more of them would only wait."""
    objects = {(each["kind"], each["metadata"]["name"]): each for each in deployed.manifests()}
    most = objects["HorizontalPodAutoscaler", "worker"]["spec"]["maxReplicas"]

    assert most == int(objects["ConfigMap", "streamproc"]["data"]["STREAMPROC_KAFKA__PARTITIONS"])


def test_the_image_has_the_pinned_packages():
    """Both sets of hashes hold the same versions, and everything that pyproject.toml asks for."""

    def pinned(name):
        text = (ROOT / "requirements" / name).read_text("utf-8")
        return dict(re.findall(r"^([\w.-]+)==([^ ;\\]+)", text, re.MULTILINE))

    image, everything = pinned("runtime.txt"), pinned("dev.txt")
    wanted = (ROOT / "requirements" / "runtime.in").read_text("utf-8").split("\n")
    names = {re.split(r"[<>=~;]", line)[0].lower().replace("_", "-") for line in wanted if line}

    assert names - image.keys() == set()
    assert image.items() <= everything.items()
    assert pinned("build.txt").items() <= everything.items()


def test_prometheus_can_read_its_configuration():
    """As promtool sees it; the token's file is only there in the container."""
    if not (promtool := shutil.which("promtool")):
        pytest.skip("promtool is not installed: apt-get install prometheus")
    file = DOCKER / "prometheus" / "prometheus.yml"

    done = subprocess.run(
        [promtool, "check", "config", "--syntax-only", file], capture_output=True, text=True
    )

    assert done.returncode == 0, done.stderr


def test_alertmanager_can_read_its_configuration(tmp_path: Path):
    """As amtool sees it; older ones than the container's do not know `url_file`."""
    if not (amtool := shutil.which("amtool")):
        pytest.skip("amtool is not installed: apt-get install prometheus-alertmanager")
    text = (DOCKER / "alertmanager" / "alertmanager.yml").read_text("utf-8")
    file = tmp_path / "alertmanager.yml"
    file.write_text(text.replace("url_file: /run/secrets/alert-webhook", "url: http://127.0.0.1:1/"))

    done = subprocess.run([amtool, "check-config", file], capture_output=True, text=True)

    assert done.returncode == 0, done.stdout + done.stderr
