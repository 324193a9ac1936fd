"""`streamproc snapshot`: what the trainer has kept."""

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from streamproc.commands.flags import with_config
from streamproc.config import Config

if TYPE_CHECKING:
    from streamproc.engine.snapshots import Standing


@click.group()
def command() -> None:
    """List, verify and roll back the trainer's snapshots."""


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@with_config
def list_(config: Config, as_json: bool) -> None:
    """The snapshots of this data folder, newest first, by their manifests."""
    _tell(config, False, as_json)


@command.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@with_config
def verify(config: Config, as_json: bool) -> None:
    """Read every byte of every snapshot; exit code 1 where one is damaged, or there is none."""
    if not _tell(config, True, as_json):
        click.get_current_context().exit(1)


@command.command()
@click.argument("offset", type=click.IntRange(0))
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@with_config
def rollback(config: Config, offset: int, as_json: bool) -> None:
    """Let the next start of the trainer go on from the snapshot at journal OFFSET.

    Newer ones are set aside, not removed. The journal since is learned once more, so the model that comes
    of it is the same: this is for a snapshot that is suspected. Repeated, it changes nothing.
    """
    import asyncio

    from streamproc.kafka.admin import ensure_topics
    from streamproc.trainer.published import Bounds, journal_bounds
    from streamproc.trainer.rollback import roll_back

    async def bounds() -> Bounds:
        await ensure_topics(config)
        return await journal_bounds(config)

    journal = asyncio.run(bounds())
    done = roll_back(config, offset, journal.begin)
    if as_json:
        aside = [path.name for path in done.aside]
        click.echo(json.dumps({"learned_to": done.manifest.learned_to, "set_aside": aside}))
        return
    for path in done.aside:
        click.echo(f"set aside {path.name}")
    again = journal.end - done.manifest.learned_to
    click.echo(f"the next start goes on from journal offset {offset}, {again:,} records before its end")


def _tell(config: Config, verify: bool, as_json: bool) -> bool:
    """Whether there is one, and all are whole."""
    from streamproc.engine.snapshots import folder, listed

    standings = listed(config, verify)
    if as_json:
        click.echo(
            json.dumps({"folder": str(folder(config)), "snapshots": [_row(each) for each in standings]})
        )
    else:
        for each in standings:
            click.echo(_line(each, verify))
        click.echo(f"{len(standings)} snapshots in {folder(config)}")
    return bool(standings) and not any(each.problem for each in standings)


def _row(standing: "Standing") -> dict[str, Any]:
    row: dict[str, Any] = {"name": standing.path.name, "problem": standing.problem, "reason": standing.reason}
    if standing.manifest is not None:
        fields = ("learned_to", "version", "events", "generation", "created_at", "size", "digest")
        row |= {name: getattr(standing.manifest, name) for name in fields}
    return row


def _line(standing: "Standing", verified: bool) -> str:
    manifest = standing.manifest
    if manifest is None:
        return f"{standing.path.name}  DAMAGED: {standing.problem}"
    when = datetime.fromtimestamp(manifest.created_at / 1000, UTC).isoformat(" ", "seconds")
    told = f"{manifest.events:,} events, version {manifest.version}, generation {manifest.generation}"
    size = f"{manifest.size / 1e6:.1f} MB" + (", every byte is right" if verified else "")
    return f"journal offset {manifest.learned_to}  {when}  {told}  {size}"
