"""Grafana's dashboards: nothing in them is unknown, unexplained or out of reach of their variables."""

import json
import re
import shutil
import subprocess
from itertools import combinations
from pathlib import Path

import pytest
import yaml
from prometheus_client import CollectorRegistry

from streamproc.metrics import RefreshMetrics, ServerMetrics, TrainerMetrics, WorkerMetrics

ROOT = Path(__file__).parents[2]
DASHBOARDS = {
    file.stem: json.loads(file.read_text("utf-8"))
    for file in sorted((ROOT / "docker" / "grafana" / "dashboards").glob("*.json"))
}
RULES = sorted((ROOT / "docker" / "prometheus" / "rules").glob("*.yml"))
MOST_PANELS = 14
WIDTH = 24  # columns of a dashboard
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
SUFFIXES = ("_bucket", "_sum", "_count", "_created", "")
OF_PROMETHEUS = {"up"}

each = pytest.mark.parametrize("name", DASHBOARDS)


def known():
    """Every series that a part can answer, as Prometheus sees it."""
    registries = []
    for metrics in (WorkerMetrics, TrainerMetrics, RefreshMetrics, ServerMetrics):
        registries.append(CollectorRegistry())
        metrics(registries[-1])
    families = [family for registry in registries for family in registry.collect()]
    counters = {f"{family.name}_total" for family in families if family.type == "counter"}
    return counters | {family.name + suffix for family in families for suffix in SUFFIXES}


def rules():
    groups = [group for file in RULES for group in yaml.safe_load(file.read_text("utf-8"))["groups"]]
    return [rule for group in groups for rule in group["rules"]]


def named(expression):
    """Series in an expression."""
    bare = re.sub(r'"[^"]*"', "", expression)
    return set(re.findall(r"\b(?:streamproc|process|up)[a-z0-9_:]*", bare))


def targets(name):
    return [
        (panel["title"], target["expr"])
        for panel in DASHBOARDS[name]["panels"]
        for target in panel["targets"]
    ]


def marks(name):
    return [(mark["name"], mark["expr"]) for mark in DASHBOARDS[name]["annotations"]["list"]]


def variables(name):
    return {variable["name"]: variable for variable in DASHBOARDS[name]["templating"]["list"]}


def plain(expression):
    """As Grafana sends it with everything chosen."""
    return re.sub(r"\$(job|instance|model)", ".+", expression).replace("$__rate_interval", "1m")


def test_there_are_two():
    """One for who runs it, one for who wants to know how good it is."""
    assert sorted(DASHBOARDS) == ["model-quality", "operations"]


@each
def test_every_series_exists(name):
    """In metrics.py, or as a recording rule."""
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    asked = {series for _, expression in targets(name) + marks(name) for series in named(expression)}

    assert asked and asked <= known() | recorded


def test_every_series_of_the_rules_exists():
    """A renamed one would silence its alert for ever."""
    recorded = {rule["record"] for rule in rules() if "record" in rule}

    assert {
        series for rule in rules() for series in named(rule["expr"])
    } <= known() | recorded | OF_PROMETHEUS


@each
@pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is missing: install Debian's prometheus package"
)
def test_every_expression_parses(name, tmp_path):
    """As a rule, in the eyes of promtool."""
    found = [{"record": "x", "expr": plain(expression)} for _, expression in targets(name) + marks(name)]
    file = tmp_path / "rules.yml"
    groups = [{"name": str(number), "rules": [rule]} for number, rule in enumerate(found)]
    file.write_text(yaml.safe_dump({"groups": groups}), "utf-8")

    checked = subprocess.run(["promtool", "check", "rules", file], capture_output=True, text=True, timeout=60)

    assert checked.returncode == 0, checked.stdout + checked.stderr


@each
def test_rates_go_over_the_interval_that_fits_the_zoom(name):
    """A fixed one shows nothing when the scrapes are further apart."""
    ranges = [found for _, expression in targets(name) for found in re.findall(r"\[([^\]]+)\]", expression)]

    assert ranges and set(ranges) == {"$__rate_interval"}


@each
def test_counters_are_shown_as_rates(name):
    """A counter that only grows tells nothing."""
    wrong = [
        (title, counter)
        for title, expression in targets(name)
        for counter in re.findall(r"\b\w+_(?:total|bucket)\b", expression)
        if not re.search(rf"(?:rate|increase)\({counter}\{{", expression)
    ]

    assert wrong == []


@each
def test_what_is_chosen_above_counts_for_every_query(name):
    """Also for the marks."""
    without = [
        (title, series)
        for title, expression in targets(name) + marks(name)
        for series in re.findall(r"\b(?:streamproc|process)_\w+(?:\{[^}]*\})?", expression)
        if not ('job=~"$job"' in series and 'instance=~"$instance"' in series)
    ]

    assert without == []


@each
def test_the_source_of_the_data_can_be_chosen(name):
    """No dashboard is tied to one Prometheus."""
    dashboard = DASHBOARDS[name]
    sources = [panel["datasource"] for panel in dashboard["panels"]]
    sources += [target["datasource"] for panel in dashboard["panels"] for target in panel["targets"]]
    sources += [mark["datasource"] for mark in dashboard["annotations"]["list"]]
    sources += [v["datasource"] for v in variables(name).values() if v["type"] == "query"]

    assert variables(name)["datasource"]["type"] == "datasource"
    assert all(source == SOURCE for source in sources)


@each
def test_every_variable_is_of_use(name):
    """And takes several values, or all, and knows new instances when the time changes."""
    whole = json.dumps([DASHBOARDS[name]["panels"], marks(name)])
    chosen = {key: variable for key, variable in variables(name).items() if key != "datasource"}

    assert {"job", "instance"} <= set(chosen)
    assert all(f"${key}" in whole for key in chosen)
    assert all(v["multi"] and v["includeAll"] and v["refresh"] == 2 for v in chosen.values())
    assert all(v["allValue"] == ".+" for v in chosen.values())


@each
def test_every_panel_says_what_it_shows(name):
    """Title, unit, a sentence, and at least one query."""
    panels = DASHBOARDS[name]["panels"]

    assert len(panels) <= MOST_PANELS
    assert len({panel["title"] for panel in panels}) == len(panels)
    assert all(len(panel["description"]) > 20 and panel["targets"] for panel in panels)
    assert all(panel["fieldConfig"]["defaults"]["unit"] for panel in panels)


@each
def test_no_panel_covers_another(name):
    """Nor sticks out on the right."""
    places = [panel["gridPos"] for panel in DASHBOARDS[name]["panels"]]
    covered = [
        (a, b)
        for a, b in combinations(places, 2)
        if a["x"] < b["x"] + b["w"] and b["x"] < a["x"] + a["w"]
        and a["y"] < b["y"] + b["h"] and b["y"] < a["y"] + a["h"]
    ]  # fmt: skip

    assert covered == []
    assert all(place["x"] + place["w"] <= WIDTH for place in places)


@each
def test_a_provisioned_dashboard_is_not_edited_by_hand(name):
    """What is changed there would be gone with the next start."""
    dashboard = DASHBOARDS[name]

    assert dashboard["editable"] is False
    assert dashboard["id"] is None and dashboard["uid"] == f"streamproc-{name}"
    assert dashboard["title"].startswith("streamproc / ") and dashboard["description"]
