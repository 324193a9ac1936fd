"""The page of guarantees speaks of tests that there are."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_test_that_the_page_names_is_there():
    """A promise without a test is none."""
    page = (ROOT / "docs" / "guarantees.md").read_text("utf-8")
    named = set(re.findall(r"`(test_\w+)`", page))
    files = {file.stem: file.read_text("utf-8") for file in (ROOT / "tests").rglob("test_*.py")}
    there = {name for text in files.values() for name in re.findall(r"def (test_\w+)", text)}

    assert named - there - files.keys() == set()
    assert len(named) > 30


def test_every_promise_names_one():
    """The last column of the table of what is promised."""
    page = (ROOT / "docs" / "guarantees.md").read_text("utf-8")
    promised = page.split("## What is promised")[1].split("\n## ")[0]
    rows = [line for line in promised.splitlines() if line.startswith("| ")][1:]

    assert len(rows) > 10
    assert [row for row in rows if "`test_" not in row.split("|")[-2]] == []
