"""`streamproc refresh`: fit the long-term interests, every so often or now."""

from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, get_args

import click

from streamproc.commands.flags import with_config
from streamproc.config import Config
from streamproc.encoder_config import Cell

if TYPE_CHECKING:
    from streamproc.orders.verdicts import Verdict
    from streamproc.refresh.encoder.message import Progress, Report


@click.group(invoke_without_command=True)
@click.pass_context
def command(context: click.Context) -> None:
    """Fit the long-term interests of the journal's history, every so often, until Ctrl-C or SIGTERM."""
    if context.invoked_subcommand is None:
        context.invoke(with_config(_run_timer))


@command.command()
@with_config
def now(config: Config) -> None:
    """Fit once, hand the generation over to the trainer, and say what was fitted."""
    from streamproc.clock import SystemClock
    from streamproc.kafka.admin import ensure_topics
    from streamproc.refresh.history import JournalHistory
    from streamproc.refresh.run import Refreshed, refresh
    from streamproc.refresh.tail import JournalTail

    async def once() -> Refreshed:
        await ensure_topics(config)
        async with JournalTail(config, JournalHistory(config.refresh.history)) as tail:
            with _bar() as tell:
                return await refresh(tail, config, SystemClock(), tell=tell)

    if refreshed := _until_told(once()):
        click.echo(f"{refreshed}; the trainer now tries it in shadow")


@command.command()
@click.option("--cell", "cells", multiple=True, type=click.Choice(get_args(Cell)), help="Repeatable.")
@with_config
def compare(config: Config, cells: tuple[Cell, ...]) -> None:
    """Train the encoder with each cell on the journal's history, and say how well each predicts its newest
    part. Nothing is handed over."""
    from streamproc.kafka.admin import ensure_topics
    from streamproc.refresh.encoding import compare
    from streamproc.refresh.fit import bounded
    from streamproc.refresh.history import JournalHistory
    from streamproc.refresh.run import require_enough
    from streamproc.refresh.tail import JournalTail

    async def once() -> "list[Report]":
        await ensure_topics(config)
        async with JournalTail(config, JournalHistory(config.refresh.history)) as tail:
            await tail.to_end()
        require_enough(tail.history)
        with _bar() as tell:
            return await compare(bounded(tail.history.cut(), config), config, cells or get_args(Cell), tell)

    for report in _until_told(once()) or ():
        click.echo(str(report))


@command.command()
@click.argument("generation", type=click.IntRange(0), required=False)
@with_config
def rollback(config: Config, generation: int | None) -> None:
    """Let an earlier generation serve again, by default the one before the present; 0 for none.

    It is written into the journal once more, under a new number, with a record that promotes it; it takes
    effect when these are read. Repeated with the same GENERATION, it changes nothing.
    """
    from streamproc.clock import SystemClock
    from streamproc.orders.rollback import roll_back

    if rolled := _until_told(roll_back(config, generation, SystemClock().now_ms(), _who())):
        if rolled.written:
            click.echo(f"generation {rolled.generation} serves from here on, a copy of {rolled.like}")
        else:
            click.echo(
                f"generation {rolled.like} serves already, as {rolled.generation}; nothing was written"
            )


@command.command()
@click.argument("generation", type=click.IntRange(1), required=False)
@with_config
def promote(config: Config, generation: int | None) -> None:
    """Let the generation in shadow serve at once, without the rest of its trial.

    It is written into the journal, and takes effect when it is read. Repeated with the same GENERATION, it
    changes nothing.
    """
    _decide(config, "promote", generation)


@command.command()
@click.argument("generation", type=click.IntRange(1), required=False)
@with_config
def reject(config: Config, generation: int | None) -> None:
    """Drop the generation in shadow, without the rest of its trial.

    It is written into the journal, and takes effect when it is read. Repeated with the same GENERATION, it
    changes nothing.
    """
    _decide(config, "reject", generation)


def _decide(config: Config, verdict: "Verdict", generation: int | None) -> None:
    from streamproc.orders.verdicts import WORDS, decide

    if decided := _until_told(decide(config, verdict, generation, _who())):
        told = "from here on" if decided.written else "already; nothing was written"
        click.echo(f"generation {decided.generation} is {WORDS[verdict]} {told}")


def _who() -> str:
    """For the journal: the account and the machine."""
    import getpass
    import os
    import socket

    try:
        account = getpass.getuser()
    except (OSError, KeyError):  # a container's user needs no name
        account = f"user {os.getuid()}"
    return f"{account} at {socket.gethostname()}"


@contextmanager
def _bar() -> "Iterator[Callable[[Progress], None]]":
    """What shows the progress of an encoder; a bar on a terminal, nothing elsewhere."""
    from rich import progress
    from rich.console import Console

    words = progress.TextColumn("{task.description}")
    parts = words, progress.BarColumn(), progress.TimeRemainingColumn()
    with progress.Progress(*parts, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("encoder", total=None, visible=False)

        def tell(at: "Progress") -> None:
            words = f"encoder, epoch {at.epoch} of at most {at.epochs}, recall@20 {at.recall:.4f}"
            bar.update(
                task, description=words, total=at.epochs, completed=at.epoch - 1 + at.share, visible=True
            )

        yield tell


def _run_timer(config: Config) -> None:
    from prometheus_client import CollectorRegistry

    from streamproc.clock import SystemClock
    from streamproc.exposition import serve
    from streamproc.kafka.admin import ensure_topics
    from streamproc.logs import logging_as
    from streamproc.metrics import RefreshMetrics
    from streamproc.refresh.timer import RefreshTimer

    registry = CollectorRegistry()
    metrics = RefreshMetrics(registry)

    async def on_and_on() -> None:
        serve(
            registry,
            config.metrics.host,
            config.metrics.refresh_port,
            config.data_dir,
            "refresh",
            config.metrics.token,
        )
        await ensure_topics(config)
        await RefreshTimer(config, metrics, SystemClock()).run()

    with logging_as("refresh", config):
        _until_told(on_and_on())


def _until_told(work: Coroutine[Any, Any, Any]) -> Any:
    """Its result, or None after SIGTERM or Ctrl-C, which end it at once: nothing half done counts."""
    import asyncio
    import signal

    from streamproc.scheduling import give_way

    async def main() -> Any:
        task = asyncio.create_task(work)
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        return await task

    give_way()
    try:
        return asyncio.run(main())
    except asyncio.CancelledError:
        return None
