"""The command line: `streamproc VERB`. Each verb is loaded from `streamproc.commands` when it is asked for.

Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 Kafka not reachable or not as configured,
4 another trainer took over, 5 the data folder is in use, 6 the embedded broker failed, 7 an unreadable
event file, 8 damaged data, 130 interrupted.
"""

import importlib
import sys
from collections.abc import Sequence

import click

from streamproc.commands import flags
from streamproc.errors import StreamprocError

VERBS = {
    "up": "Run everything on this machine, with a Kafka of its own",
    "worker": "Turn events into recommendations",
    "trainer": "Learn from every event",
    "refresh": "Fit the long-term interests, every so often or now",
    "serve": "Answer over HTTP, with a console to look at",
    "broker": "Run the embedded Kafka alone",
    "replay": "Feed event files into the events topic",
    "evaluate": "Measure the models on event files, without Kafka",
    "simulate": "Feed the events of a simulated shop",
    "status": "Show how the parts on this machine are doing",
    "health": "Say whether parts on this machine are ready, for health checks",
    "dlq": "Look at events that were set aside, and feed them in again",
    "snapshot": "List, verify and roll back the trainer's snapshots",
    "doctor": "Check Kafka, topics, disk, clock and kernels, and say what to do",
    "logs": "Show in words what the parts have logged",
    "config": "Show or check the settings",
    "chaos": "Hurt a pipeline of its own on purpose, and check what became of it",
    "warm": "Compile ahead of time what worker and trainer run",
}
INTERRUPTED = 130


class Verbs(click.Group):
    """Commands by name; importing one waits until it is used, so that the command line answers at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        command: click.Command = importlib.import_module(f"streamproc.commands.{cmd_name}").command
        _accept_flags(command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of verbs, without importing any of them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))


def _accept_flags(command: click.Command) -> None:
    """Flags may come after the verb too, and after the verb of a verb."""
    known = {parameter.name for parameter in command.params}
    command.params += [option for option in flags.options() if option.name not in known]
    if isinstance(command, click.Group):
        for below in command.commands.values():
            _accept_flags(below)


@click.command(cls=Verbs, params=flags.options(), epilog="Exit codes: see `pydoc streamproc.cli`.")
@click.version_option(package_name="streamproc")
def group() -> None:
    """A streaming recommender that learns from every event."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and leave with its exit code; our own errors become one clear line."""
    try:
        result = group.main(arguments, prog_name="streamproc", standalone_mode=False)
        code = result if isinstance(result, int) else 0
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        code = INTERRUPTED
    except StreamprocError as error:
        click.secho(f"error: {error}", fg="red", err=True)
        code = error.exit_code
    sys.exit(code)


if __name__ == "__main__":
    main()
