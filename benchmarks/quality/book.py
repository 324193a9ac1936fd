"""The newest line of every measurement, in docs/quality.jsonl, and the page that is made from them.

`python -m benchmarks.quality.book` writes the page again without measuring anything.
"""

import json
from pathlib import Path
from typing import Any

from benchmarks.quality.page import page

FOLDER = Path(__file__).parents[2] / "docs"
LINES, PAGE = "quality.jsonl", "quality.md"

Line = dict[str, Any]


def keep(line: Line, folder: Path = FOLDER) -> None:
    """Takes the place of an older line of the same measurement."""
    lines = {_key(each): each for each in read(folder)}
    lines[_key(line)] = line
    folder.mkdir(exist_ok=True)
    text = "".join(json.dumps(lines[key]) + "\n" for key in sorted(lines))
    (folder / LINES).write_text(text, "utf-8")


def read(folder: Path = FOLDER) -> list[Line]:
    """All lines; none where nothing has been measured."""
    if not (folder / LINES).exists():
        return []
    return [json.loads(text) for text in (folder / LINES).read_text("utf-8").splitlines()]


def publish(folder: Path = FOLDER) -> None:
    """The page of all lines."""
    folder.mkdir(exist_ok=True)
    (folder / PAGE).write_text(page(read(folder)), "utf-8")


def _key(line: Line) -> tuple[str, str]:
    return line["workload"], line["benchmark"]


if __name__ == "__main__":
    publish()
