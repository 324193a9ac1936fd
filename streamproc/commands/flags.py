"""The flags that every command takes, before or after its name, and the configuration they lead to.

A command is a module named after its verb that exports a click command as `command`:

    @click.command()
    @with_config
    def command(config: Config) -> None:
        "What it does, in one line."
        from streamproc.worker import app  # heavy imports wait until the command runs

"""

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import click

from streamproc.config import Config, load

P = ParamSpec("P")
R = TypeVar("R")


@dataclass
class Flags:
    """What was given on the command line."""

    path: Path | None = None
    overrides: dict[str, Any] = field(default_factory=dict)
    arguments: list[str] = field(default_factory=list)  # the same flags, for a child process

    def load(self) -> Config:
        """Raises ConfigError."""
        return load(self.path, self.overrides)


def with_config(command: Callable[Concatenate[Config, P], R]) -> Callable[P, R]:
    """Call `command` with the loaded configuration as its first argument."""

    @functools.wraps(command)
    def loaded(*args: P.args, **kwargs: P.kwargs) -> R:
        return command(current().load(), *args, **kwargs)

    return loaded


def current() -> Flags:
    """The flags of the command that runs now."""
    return click.get_current_context().find_root().ensure_object(Flags)


def options() -> list[click.Option]:
    """New options to hang on a command; they expose no value, `current` knows them."""
    file = click.Path(exists=True, dir_okay=False, path_type=Path)
    return [
        _option(
            "--config", _take_path, "FILE", "Settings in TOML  [default: streamproc.toml if present]", file
        ),
        _option(
            "--data-dir", _take_data_dir, "FOLDER", "Snapshots, logs and the embedded broker's data", str
        ),
        _option("--bootstrap-servers", _take_servers, "HOST:PORT", "Use this Kafka, no embedded one", str),
    ]


Taker = Callable[[Flags, Any], None]


def _option(name: str, take: Taker, metavar: str, text: str, kind: Any) -> click.Option:
    def callback(context: click.Context, parameter: click.Parameter, value: Any) -> None:
        if value is not None:
            flags = context.find_root().ensure_object(Flags)
            take(flags, value)
            flags.arguments += [name, str(value)]

    return click.Option([name], metavar=metavar, help=text, type=kind, expose_value=False, callback=callback)


def _take_path(flags: Flags, value: Path) -> None:
    flags.path = value


def _take_data_dir(flags: Flags, value: str) -> None:
    flags.overrides["data_dir"] = value


def _take_servers(flags: Flags, value: str) -> None:
    flags.overrides.setdefault("kafka", {})["bootstrap_servers"] = value
