"""`streamproc dlq`: events that were set aside."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import click

from streamproc.commands.flags import with_config
from streamproc.commands.replay import ask
from streamproc.config import Config


@click.group()
def command() -> None:
    """Look at events that were set aside, and feed them in again."""


def _selecting(function: Callable[..., Any]) -> Callable[..., Any]:
    """Options that say which letters."""
    options = (
        click.option("--reason", "reasons", metavar="REASON", multiple=True, help="Repeatable."),
        click.option("--partition", type=click.IntRange(0), help="Of the events topic."),
        click.option(
            "--offset", "offsets", metavar="N or N-M", help="In that partition; from N to M, both included."
        ),
    )
    for option in reversed(options):
        function = option(function)
    return function


@command.command("list")
@_selecting
@click.option("--limit", default=50, type=click.IntRange(0), help="Newest letters to show; all are counted.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@with_config
def list_(
    config: Config,
    reasons: tuple[str, ...],
    partition: int | None,
    offsets: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """Count the dead letters by reason, and show the newest."""
    from streamproc.letters import reading
    from streamproc.letters.reading import SHOWN_BYTES

    letters = asyncio.run(reading.read(config, _selection(reasons, partition, offsets)))
    counts, newest = reading.counted(letters), letters[len(letters) - min(limit, len(letters)) :]
    rows = [reading.as_dict(letter, SHOWN_BYTES) for letter in newest]
    if as_json:
        click.echo(json.dumps({"letters": len(letters), "reasons": counts, "newest": rows}))
        return
    _print(rows)
    told = ", ".join(f"{reason} {count:,}" for reason, count in counts.items())
    click.echo(f"{len(letters):,} dead letters" + (f": {told}" if told else ""))


@command.command()
@click.argument("number", type=click.IntRange(0))
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@with_config
def show(config: Config, number: int, as_json: bool) -> None:
    """Everything about the letter at offset NUMBER of the dead-letter topic, its bytes escaped."""
    from streamproc.errors import StreamprocError
    from streamproc.letters import reading

    found = asyncio.run(reading.read(config, reading.Selection(number=number)))
    if not found:
        raise StreamprocError(f"there is no dead letter {number}", "See `streamproc dlq list`")
    told = reading.as_dict(found[0])
    if as_json:
        click.echo(json.dumps(told))
        return
    for name, value in told.items():
        if isinstance(value, dict):
            click.echo("\n".join([f"{name}:", *(f"  {key}: {text}" for key, text in value.items())]))
        else:
            click.echo(f"{name}: {value}")


@command.command()
@_selecting
@click.option("--dry-run", is_flag=True, help="Only say what would be fed in.")
@click.option("--yes", is_flag=True, help="Do not ask before feeding a Kafka on another machine.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@with_config
def replay(
    config: Config,
    reasons: tuple[str, ...],
    partition: int | None,
    offsets: str | None,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Feed letters in again that are events under the present settings.

    Key, partition and event id stay; one without an id gets its first place as its id: fed in twice, it is
    learned once. What would be set aside again is left where it is, and counted.
    """
    from streamproc.clock import SystemClock
    from streamproc.letters import reading, replaying

    if not (yes or dry_run):
        ask(config)

    async def feed() -> tuple[int, dict[str, int]]:
        letters = await reading.read(config, _selection(reasons, partition, offsets))
        ready, left = replaying.sort_out(config, letters, SystemClock().now_ms())
        return len(ready) if dry_run else await replaying.replay(config, ready), left

    sent, left = asyncio.run(feed())
    if as_json:
        click.echo(json.dumps({"replayed": sent, "left": left, "dry_run": dry_run}))
        return
    click.echo(f"{'would feed' if dry_run else 'fed'} {sent:,} letters in again")
    for reason, count in left.items():
        click.echo(f"left {count:,} that would be set aside again: {reason}")


def _selection(reasons: tuple[str, ...], partition: int | None, offsets: str | None) -> Any:
    from streamproc.contracts.deadletters import REASONS
    from streamproc.letters.reading import Selection

    for reason in reasons:
        if reason not in REASONS:
            raise click.BadParameter(f"{reason} is none of {', '.join(REASONS)}", param_hint="--reason")
    first, _, last = (offsets or "").partition("-")
    if offsets is not None and not (first.isdecimal() and (last or first).isdecimal()):
        raise click.BadParameter(f"{offsets} is neither N nor N-M", param_hint="--offset")
    if offsets is None:
        return Selection(reasons, partition)
    return Selection(reasons, partition, int(first), int(last or first))


def _print(rows: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("letter", "partition", "offset", "reason", "what is wrong", "key", "value")
    for row in rows:
        names = ("offset", "partition", "source_offset", "reason", "message", "key", "value")
        table.add_row(*(Text(str(row[name])) for name in names))
    if rows:
        Console().print(table)
