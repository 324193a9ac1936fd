"""Debian's Prometheus on loopback, looking at the parts that run on a data folder."""

import json
import shutil
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any, Self

import pytest
import yaml

from streamproc.broker import child, probe
from streamproc.exposition import FOLDER

RULES = Path(__file__).parents[2] / "docker" / "prometheus" / "rules"
STOP = 10.0  # seconds

needs_prometheus = pytest.mark.skipif(
    None in (shutil.which("prometheus"), shutil.which("promtool")),
    reason="Prometheus is missing: install Debian's prometheus package",
)


def addresses(data_dir: Path) -> dict[str, str]:
    """Where each part answers, by its name."""
    files = sorted((data_dir / FOLDER).glob("*.json"))
    return {
        file.stem: found["metrics"] for file in files if "metrics" in (found := json.loads(file.read_text()))
    }


class Prometheus:
    """Scrapes every second, and evaluates the rules of the repository as often."""

    def __init__(self, folder: Path, targets: dict[str, str]) -> None:
        self._folder = folder
        self._targets = targets
        self._process: subprocess.Popen[bytes] | None = None
        self._address = ""

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True)
        config = self._folder / "prometheus.yml"
        config.write_text(yaml.safe_dump(self._config()), "utf-8")
        port = probe.free_port()
        self._address = f"http://127.0.0.1:{port}"
        command = [
            "prometheus", f"--config.file={config}", f"--storage.tsdb.path={self._folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
        ]  # fmt: skip
        with (self._folder / "prometheus.log").open("wb") as output:
            self._process = child.spawn(command, output, self._folder)
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            child.stop(self._process, STOP)

    def query(self, expression: str) -> list[Any]:
        """Samples of an instant query; none while Prometheus starts. Raises HTTPError for a wrong one."""
        return list(self._get("query", query=expression).get("result", []))

    def rules(self) -> list[dict[str, Any]]:
        """All rules, with what became of their evaluation."""
        return [rule for group in self._get("rules").get("groups", []) for rule in group["rules"]]

    def last_words(self) -> str:
        """The end of its log."""
        return (self._folder / "prometheus.log").read_text()[-2000:]

    def _get(self, what: str, **parameters: str) -> dict[str, Any]:
        url = f"{self._address}/api/v1/{what}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=10.0) as answer:
                found: dict[str, Any] = json.load(answer)["data"]
        except urllib.error.HTTPError:
            raise
        except OSError:
            return {}
        return found

    def _config(self) -> dict[str, Any]:
        jobs = [
            {"job_name": part, "static_configs": [{"targets": [address.split("/")[2]]}]}
            for part, address in self._targets.items()
        ]
        every = {"scrape_interval": "1s", "evaluation_interval": "1s"}
        return {"global": every, "rule_files": [str(RULES / "*.yml")], "scrape_configs": jobs}
