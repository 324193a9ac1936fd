"""`streamproc chaos`: hurt a pipeline on purpose, and check that nothing is lost and nothing counts twice."""

from pathlib import Path

import click

from streamproc.commands.flags import with_config
from streamproc.commands.threads import one_thread
from streamproc.config import Config

NAMES = (
    "kill-worker", "kill-trainer", "kill-refresh", "kill-broker",
    "stop-worker", "stop-workers", "stop-trainer", "storm",
    "cut-short", "cut-long", "half-open", "trickle",
    "duplicates", "disorder", "skew", "strangers", "flood",
)  # fmt: skip


@click.command()
@click.option("--fault", "faults", multiple=True, type=click.Choice(NAMES), help="Only these; else a mix.")
@click.option("--times", default=9, show_default=True, type=click.IntRange(1), help="Faults in all.")
@click.option("--events", default=20_000, show_default=True, type=click.IntRange(100), help="Events fed.")
@click.option("--rate", default=1500.0, show_default=True, type=float, help="Events a second.")
@click.option("--workers", default=2, show_default=True, type=click.IntRange(1), help="Workers.")
@click.option("--seed", type=int, help="Of stream and schedule; a random one is printed.")
@click.option("--repeat", is_flag=True, help="Learn the journal once more, and compare the digests.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="The report as Markdown, too.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a table.")
@with_config
def command(
    config: Config,
    faults: tuple[str, ...],
    times: int,
    events: int,
    rate: float,
    workers: int,
    seed: int | None,
    repeat: bool,
    out: Path | None,
    as_json: bool,
) -> int:
    """Run a pipeline of its own on the embedded Kafka, inject faults, and verify it from the topics alone.

    Ends with code 1 where anything was lost, counted twice or differs. The same --seed gives the same
    stream and the same faults after the same number of events.
    """
    one_thread()
    import asyncio
    import json
    import random

    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from streamproc.chaos.running import Settings, run
    from streamproc.chaos.schedule import MIX
    from streamproc.chaos.telling import markdown, table
    from streamproc.logs import silence

    silence("aiokafka")  # Kafka is away on purpose
    seed = random.randrange(1 << 31) if seed is None else seed
    click.echo(f"seed {seed}", err=True)
    settings = Settings(seed, faults or MIX, times, events, rate, workers, repeat)
    columns = BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}")
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("", total=events)

        def tell(sent: int, text: str) -> None:
            progress.update(task, completed=min(sent, events), description=text)

        report = asyncio.run(run(config, settings, tell))
    if out is not None:
        out.write_text(markdown(report, settings), "utf-8")
    if as_json:
        click.echo(json.dumps(report.as_dict()))
    else:
        Console().print(table(report))
        for complaint in report.verdict.complaints:
            click.echo(complaint)
    return 0 if report.right else 1
