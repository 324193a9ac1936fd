"""What Prometheus and Grafana see of a running pipeline."""

import asyncio
import json
import math
import re
import subprocess
import urllib.request
from pathlib import Path

import pytest
import yaml

from tests.integration.observed import RULES, Prometheus, addresses, needs_prometheus
from tests.integration.pipeline import Pipeline

pytestmark = pytest.mark.kafka

DASHBOARDS = Path(__file__).parents[2] / "docker" / "grafana" / "dashboards"
SETTINGS = {
    "snapshots": {"interval": 2.0},
    "refresh": {"interval": 5.0, "shadow_events": 200},
    "server": {"port": 0},
}
PARTS = ("trainer", "worker", "refresh", "serve")
NAMES = ("trainer", "worker", "refresh", "server")  # of the same, as they announce themselves
EVENTS = 20_000  # as many as there is time for


def panels():
    """(panel, query) of every panel, as Grafana asks with everything chosen."""
    for file in sorted(DASHBOARDS.glob("*.json")):
        for panel in json.loads(file.read_text("utf-8"))["panels"]:
            for target in panel["targets"]:
                plain = re.sub(r"\$(job|instance|model)", ".+", target["expr"]).replace(
                    "$__rate_interval", "1m"
                )
                yield f"{file.stem}: {panel['title']}", plain


def recorded():
    """(file, series) of every recording rule."""
    for group in yaml.safe_load((RULES / "recording.yml").read_text("utf-8"))["groups"]:
        for rule in group["rules"]:
            yield "recording rules", rule["record"]


def shows_something(result):
    return any(not math.isnan(float(sample["value"][1])) for sample in result)


async def ready(pipeline):
    return all(pipeline.metrics().highest(name, "ready") for name in NAMES)


def ask(address):
    with urllib.request.urlopen(address) as answer:
        return answer.read()


def complaints(address):
    """What promtool has to say about a part's /metrics."""
    command = ["promtool", "check", "metrics"]
    checked = subprocess.run(command, input=ask(address), capture_output=True, timeout=60)
    return checked.stderr.decode() if checked.returncode else ""


@needs_prometheus
async def test_every_panel_and_every_rule_shows_a_running_pipeline(config, tmp_path):
    """Scraped by a real Prometheus, with the rules of the repository; every part's /metrics is in order."""
    async with Pipeline(config, SETTINGS) as pipeline:
        pipeline.start(*PARTS)
        await pipeline.until(lambda: ready(pipeline), "all parts are ready")
        shop = asyncio.create_task(
            pipeline.run("simulate", "--no-watch", "--rate", "150", "--events", str(EVENTS))
        )
        found = addresses(pipeline.config.data_dir)
        with Prometheus(tmp_path / "prometheus", found) as prometheus:
            waiting = {f"{name}: {query}": query for name, query in [*panels(), *recorded()]}

            async def all_shown():
                await asyncio.to_thread(ask, found["server"].replace("/metrics", "/v1/model"))
                for name, query in list(waiting.items()):
                    if shows_something(prometheus.query(query)):
                        del waiting[name]
                return not waiting

            try:
                await pipeline.until(all_shown, "every panel shows something")
            finally:
                shop.cancel()
                print("still empty:", *waiting, sep="\n")
            rules = prometheus.rules()

        assert {rule["name"] for rule in rules if rule["health"] != "ok"} == set()
        assert {name: complaints(at) for name, at in found.items()} == {name: "" for name in NAMES}
