"""The trainer's prequential record, read from its /metrics: how good it is, and whether learning pays."""

import json
import urllib.request
from pathlib import Path
from typing import NamedTuple

from prometheus_client.parser import text_string_to_metric_families
from rich.text import Text

TRIALS = "streamproc_prequential_trials_total"
HITS = "streamproc_prequential_hits_total"
TIMEOUT = 1.0  # seconds for the trainer's answer
BAR = 20  # characters of a full bar


class Record(NamedTuple):
    """Predictions of one model and how many were right within 20."""

    trials: float = 0.0
    hits: float = 0.0

    def since(self, earlier: "Record") -> "Record":
        return Record(self.trials - earlier.trials, self.hits - earlier.hits)

    @property
    def recall(self) -> float:
        return self.hits / self.trials if self.trials > 0 else 0.0


Records = dict[str, Record]  # by model


def read(data_dir: Path) -> Records:
    """The record of every model; empty while there is no trainer that answers."""
    try:
        address = json.loads((data_dir / "run" / "trainer.json").read_text("utf-8"))["metrics"]
        with urllib.request.urlopen(address, timeout=TIMEOUT) as answer:
            return parse(answer.read().decode("utf-8"))
    except (OSError, ValueError, KeyError):
        return {}


def parse(text: str) -> Records:
    """The record of every model in a /metrics page."""
    records: Records = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            model = sample.labels.get("model", "")
            known = records.get(model, Record())
            if sample.name == TRIALS:
                records[model] = known._replace(trials=sample.value)
            elif sample.name == HITS and sample.labels["k"] == "20":
                records[model] = known._replace(hits=sample.value)
    return records


def lines(before: Records, now: Records) -> Text:
    """Recall@20 of the fusion against popularity: lately as a bar, and over all."""
    told = []
    for title, model in (("recall@20", "fusion"), ("", "popularity")):
        record = now.get(model, Record())
        lately = record.since(before.get(model, Record())).recall
        text = Text(f"{title:<10} {model:<10} ")
        text.append(f"{'#' * round(BAR * lately):<{BAR}}", style="green")
        told.append(text.append(f" {lately:.3f} lately, {record.recall:.3f} in all"))
    return Text("\n").join(told)
