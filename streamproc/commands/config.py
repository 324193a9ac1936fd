"""`streamproc config`: what is set, and where it was set."""

from typing import Any

import click

from streamproc.commands import flags
from streamproc.commands.flags import with_config
from streamproc.config import Config


@click.group()
def command() -> None:
    """Show or check the settings."""


@command.command()
@with_config
def check(config: Config) -> None:
    """Say whether the settings are right; exit code 2 where they are not."""
    click.echo(f"The configuration is right; data folder {config.data_dir.resolve()}")


@command.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object, without where each value comes from.")
@with_config
def show(config: Config, as_json: bool) -> None:
    """Every setting, its value, and where that comes from."""
    if as_json:
        click.echo(config.model_dump_json())
        return
    from streamproc.sources import layers, origin

    given = flags.current()
    found = layers(given.path, given.overrides)
    for location, value in leaves(config.model_dump(mode="json")):
        click.echo(f"{'.'.join(location)} = {_toml(value)}  # {origin(location, found)}")


def leaves(table: dict[str, Any], above: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Any]]:
    """Each single setting of a nested table with its path."""
    found: list[tuple[tuple[str, ...], Any]] = []
    for name, value in table.items():
        here = (*above, name)
        found += leaves(value, here) if isinstance(value, dict) else [(here, value)]
    return found


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "(none)" if value is None else repr(value).replace("'", '"')
