"""`streamproc doctor`: is everything there that is needed?"""

import json
from typing import TYPE_CHECKING

import click

from streamproc.commands.flags import with_config
from streamproc.config import Config

if TYPE_CHECKING:
    from streamproc.doctor.finding import Finding

COLOURS = {"ok": "green", "warning": "yellow", "failure": "red"}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@with_config
def command(config: Config, as_json: bool) -> None:
    """Check Kafka, topics, disk, clock, limits and kernels; each finding says what to do.

    Exit code 1 where something keeps the pipeline from working, or from being right; a warning does not.
    """
    import asyncio

    from streamproc.clock import SystemClock
    from streamproc.doctor import cluster, machine

    found = [*machine.look(config), *asyncio.run(cluster.look(config, SystemClock()))]
    if as_json:
        click.echo(json.dumps({"findings": [each._asdict() for each in found]}))
    else:
        _print(found)
    if any(each.state == "failure" for each in found):
        click.get_current_context().exit(1)


def _print(found: "list[Finding]") -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("check", "", "found", "what to do", show_lines=False)
    for each in found:
        state = Text(each.state, style=COLOURS[each.state])
        table.add_row(Text(each.check), state, Text(each.told), Text(each.remedy))
    Console().print(table)
