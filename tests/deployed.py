"""What the deployment files say: variables, commands, and the settings that a container gets."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
DOCKER = ROOT / "docker"
PAGES = (ROOT / "docs" / "operations.md", ROOT / "README.md")
VARIABLE = re.compile(r"\bSTREAMPROC_[A-Z_]*[A-Z]")
Variables = dict[str, str]


def files() -> list[Path]:
    """Everything in docker/ that is read as text, and the page for operators."""
    found = [file for file in sorted(DOCKER.rglob("*")) if file.is_file() and file.suffix != ".json"]
    return [*(file for file in found if "secrets" not in file.parts), PAGES[0]]


def compose() -> dict[str, Any]:
    """docker/compose.yaml, with its anchors resolved."""
    found: dict[str, Any] = yaml.safe_load((DOCKER / "compose.yaml").read_text("utf-8"))
    return found


def own_services() -> dict[str, Any]:
    """Those that run streamproc."""
    return {name: s for name, s in compose()["services"].items() if s["image"].startswith("streamproc:")}


def manifests(folder: Path = DOCKER / "kubernetes") -> list[dict[str, Any]]:
    """All objects of a folder."""
    found = [file for file in sorted(folder.rglob("*.yaml")) if file.name != "kustomization.yaml"]
    return [each for file in found for each in yaml.safe_load_all(file.read_text("utf-8"))]


def pods() -> dict[str, Any]:
    """The pod of each workload."""
    named = {}
    for each in manifests():
        spec = each.get("spec", {})
        spec = spec.get("jobTemplate", {}).get("spec", spec)
        if "template" in spec:
            named[each["metadata"]["name"]] = spec["template"]["spec"]
    return named


def environments() -> dict[str, Variables]:
    """What each container and unit gets, by its name."""
    found = {f"compose {name}": service["environment"] for name, service in own_services().items()}
    shared = next(each for each in manifests() if each["kind"] == "ConfigMap")["data"]
    for name, pod in pods().items():
        own = pod["containers"][0].get("env", ())
        found[f"kubernetes {name}"] = shared | {
            each["name"]: each["value"] for each in own if "value" in each
        }
    assigned = assignments((DOCKER / "systemd" / "streamproc.env").read_text("utf-8"))
    for file in DOCKER.glob("systemd/*.service"):
        lines = re.findall(r"^Environment=(.*)$", file.read_text("utf-8"), re.MULTILINE)
        found[f"systemd {file.stem}"] = assigned | assignments("\n".join(lines))
    return found


def assignments(text: str) -> Variables:
    """NAME=VALUE by line."""
    lines = [line.partition("=") for line in text.splitlines() if "=" in line and not line.startswith("#")]
    return {name: value for name, _, value in lines}


def commands() -> Iterator[tuple[str, list[str]]]:
    """Where `streamproc ...` is called, and with what."""
    for name, service in own_services().items():
        yield f"compose {name}", service["command"]
    for name, pod in pods().items():
        yield f"kubernetes {name}", pod["containers"][0]["args"]
    for file in DOCKER.glob("systemd/*.service"):
        [line] = re.findall(r"^ExecStart=\S+/streamproc (.*)$", file.read_text("utf-8"), re.MULTILINE)
        yield f"systemd {file.stem}", line.split()
    [check] = re.findall(
        r'HEALTHCHECK.* CMD (\["streamproc".*\])', (DOCKER / "Dockerfile").read_text("utf-8")
    )
    yield "Dockerfile", json.loads(check)[1:]
    for page in PAGES:
        yield from ((page.name, words) for words in _told(page.read_text("utf-8")))


def _told(page: str) -> Iterator[list[str]]:
    """The calls in a page's blocks of code."""
    for block in re.findall(r"^```\w*\n(.*?)^```", page, re.MULTILINE | re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            call = re.search(r"(?:^|bin/|exec -T \S+ |run --rm \S+ )streamproc ((?:[a-z]|--).*)", line)
            if call:
                yield shlex.split(call[1], comments=True)
