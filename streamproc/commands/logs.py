"""`streamproc logs`: what the parts have logged, in words."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import click

from streamproc.commands.flags import with_config
from streamproc.config import Config


class Line(NamedTuple):
    """One line of a log; sorts by time."""

    timestamp: str
    text: str
    user: str  # the hash of who it is about; empty: nobody


@click.command()
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--user", metavar="ID", help="Only what is about this user.")
@with_config
def command(config: Config, files: tuple[str, ...], user: str | None) -> None:
    """Show logs in words, all FILES in the order of time; without any, those that `up` keeps.

    `-` reads what comes in, such as `kubectl logs worker-0 | streamproc logs -`.
    """
    from streamproc.pseudonyms import Pseudonyms

    wanted = Pseudonyms.of(config).hash(user) if user is not None else None
    kept = sorted((config.data_dir / "logs").glob("*.log"))
    named = files or [str(file) for file in kept if file.name != "broker.log"]
    for line in sorted((line for file in named for line in _lines(file)), key=lambda line: line.timestamp):
        if wanted is None or line.user == wanted:
            click.echo(line.text)


def _lines(file: str) -> Iterator[Line]:
    with click.open_file(file, encoding="utf-8", errors="replace") as text:
        yield from _read(text, Path(file).stem)


def _read(text: Iterable[str], name: str) -> Iterator[Line]:
    """What is no line of ours belongs to the one before it."""
    from streamproc.log_lines import fields_of, printable, words

    timestamp = ""
    for line in text:
        if fields := fields_of(line):
            timestamp, part = str(fields.get("timestamp", timestamp)), fields.get("part", name)
            place = f"{timestamp} {fields.get('level', ''):8} {part:7} "
            error = f"\n{fields['exception']}" if "exception" in fields else ""
            yield Line(timestamp, place + words(fields) + error, str(fields.get("user", "")))
        elif line.strip():
            yield Line(timestamp, printable(line.rstrip("\n")), "")
