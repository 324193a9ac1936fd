"""Reading the parts' own /metrics, found through `data_dir/run/*.json`."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from prometheus_client.parser import text_string_to_metric_families

from streamproc.config import Config
from streamproc.exposition import FOLDER, alive

TIMEOUT = 1.0  # seconds for one part's answer


class Sample(NamedTuple):
    """One line of /metrics."""

    part: str  # worker, trainer, refresh
    name: str  # without the product's prefix
    labels: dict[str, str]
    value: float
    process: str = ""  # address of the /metrics that said so


class Samples(list[Sample]):
    """What all parts answered at one moment."""

    def total(self, part: str, name: str, **labels: str) -> float:
        """Sum over processes and over the labels that are not named; 0.0 where nothing fits."""
        return sum(sample.value for sample in self._of(part, name, labels))

    def highest(self, part: str, name: str) -> float | None:
        """The largest value, None where nobody answered."""
        return max((sample.value for sample in self._of(part, name, {})), default=None)

    def by(self, part: str, name: str, label: str) -> dict[str, float]:
        """Sums per value of one label."""
        sums: dict[str, float] = {}
        for sample in self._of(part, name, {}):
            if label in sample.labels:
                sums[sample.labels[label]] = sums.get(sample.labels[label], 0.0) + sample.value
        return sums

    def _of(self, part: str, name: str, labels: dict[str, str]) -> list[Sample]:
        return [s for s in self if s.part == part and s.name == name and labels.items() <= s.labels.items()]


Tokens = Mapping[str, str]  # by part; "" is that of all others


def tokens(config: Config) -> Tokens:
    """What the parts ask for, as far as it is set; without what cannot be read."""
    server, others = config.server, config.metrics.token
    found = {"": others.get_secret_value()} if others else {}
    if server.token:
        found["server"] = server.token.get_secret_value()
    if server.token_file is not None:
        with suppress(OSError):
            found["server"] = server.token_file.read_text("utf-8").strip()
    return found


def scrape(data_dir: Path, others: Sequence[str] = (), tokens: Tokens | None = None) -> Samples:
    """Ask every part of this folder, and `others` (part=host:port); who does not answer is left out."""
    known = tokens or {}
    samples = Samples()
    for other in others:
        part, _, place = other.rpartition("=")
        samples += _ask(part or "worker", f"http://{place}/metrics", known)
    for file in sorted((data_dir / FOLDER).glob("*.json")):
        address = _address(file)
        if address:
            samples += _ask(file.stem.split("-")[0], address, known)
    return samples


def page(data_dir: Path) -> str | None:
    """Where the console answers, if it runs here."""
    return _address(data_dir / FOLDER / "server.json", "page")


def _address(file: Path, what: str = "metrics") -> str | None:
    """Where a living part answers; None for a part without /metrics, or one that was killed."""
    try:
        entry = json.loads(file.read_text("utf-8"))
        return str(entry[what]) if alive(int(entry["pid"])) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _ask(part: str, address: str, tokens: Tokens) -> list[Sample]:
    token = tokens.get(part) or tokens.get("")
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {token}"} if token else {})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
            text = answer.read().decode("utf-8")
    except (OSError, urllib.error.URLError):
        return []
    families = text_string_to_metric_families(text)
    return [
        Sample(part, sample.name.removeprefix("streamproc_"), sample.labels, sample.value, address)
        for family in families
        for sample in family.samples
    ]
