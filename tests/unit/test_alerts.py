"""Alerts and recording rules: they parse, fire when they should and not otherwise, and lead to a runbook."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
RULES = sorted((ROOT / "docker" / "prometheus" / "rules").glob("*.yml"))
RUNBOOKS = ROOT / "docs" / "runbooks"
CASES = ROOT / "tests" / "alerts"
SECTIONS = ["Meaning", "Impact", "Diagnosis", "Mitigation"]
SEVERITIES = {"critical", "warning", "info", "none"}

needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is missing: install Debian's prometheus package"
)


def rules():
    groups = [group for file in RULES for group in yaml.safe_load(file.read_text("utf-8"))["groups"]]
    return [rule for group in groups for rule in group["rules"]]


ALERTS = {rule["alert"]: rule for rule in rules() if "alert" in rule}


def promtool(*arguments):
    return subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True, timeout=60)


@needs_promtool
def test_all_rules_are_sound():
    """In the eyes of Prometheus itself."""
    checked = promtool("check", "rules", *RULES)

    assert checked.returncode == 0, checked.stdout + checked.stderr


@needs_promtool
@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_fires_when_it_should_and_only_then(name):
    """With the words that people will read."""
    tested = promtool("test", "rules", CASES / f"{name}.yml")

    assert tested.returncode == 0, tested.stdout + tested.stderr


@pytest.mark.parametrize("name", [name for name in ALERTS if name != "Watchdog"])
def test_both_cases_are_there_for_every_alert(name):
    """One in which it fires, one in which something like it happens and it does not."""
    cases = yaml.safe_load((CASES / f"{name}.yml").read_text("utf-8"))["tests"]
    asked = [case for test in cases for case in test["alert_rule_test"] if case["alertname"] == name]

    assert {bool(case["exp_alerts"]) for case in asked} == {True, False}


def test_there_is_no_case_for_an_alert_that_is_gone():
    """Nor a page."""
    assert {file.stem for file in CASES.iterdir()} == set(ALERTS)
    assert {file.stem for file in RUNBOOKS.iterdir()} - {"README"} == set(ALERTS)


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_tells_what_it_is_and_leads_to_its_runbook(name):
    """With the four sections that on-call people know."""
    alert = ALERTS[name]
    told = alert["annotations"]
    page = (ROOT / told["runbook_url"]).read_text("utf-8")

    assert alert["labels"]["severity"] in SEVERITIES
    assert told["summary"] and told["description"]
    assert told["runbook_url"] == f"docs/runbooks/{name}.md"
    assert page.startswith(f"# {name}\n")
    assert [line[3:] for line in page.splitlines() if line.startswith("## ")] == SECTIONS
