"""`streamproc evaluate`: how good the recommendations are on a file, or were on a recorded journal."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from streamproc.commands.flags import with_config
from streamproc.commands.threads import one_thread
from streamproc.config import Config
from streamproc.errors import ConfigError

if TYPE_CHECKING:
    from streamproc.evaluate.run import Report
    from streamproc.files.columns import Columns
    from streamproc.files.where import Where


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--columns", metavar="FIELD=COLUMN,…", help="user, item, ts, type, value, session, event_id.")
@click.option(
    "--where", metavar="CONDITION", multiple=True, help='Rows to take, like "Quantity>0"; repeatable.'
)
@click.option(
    "--journal", is_flag=True, help="Evaluate the journal of the running Kafka, with its control records."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a table.")
@with_config
def command(
    config: Config,
    files: tuple[Path, ...],
    columns: str | None,
    where: tuple[str, ...],
    journal: bool,
    as_json: bool,
) -> None:
    """Predict every event of a file before learning it, and say how often that was right.

    Every event whose user has an earlier one is predicted, by the same engine that serves; unseen items and
    items outside the candidates are misses. With rules.exclude_seen only first-time pairs count.

    \b
    streamproc evaluate clicks.jsonl.gz
    streamproc evaluate ratings.csv --columns user=user,item=item,ts=ts --json
    """
    if bool(files) == journal:
        raise ConfigError(
            "nothing to evaluate" if not files else "files and --journal", "Name files, or --journal"
        )
    one_thread()
    report = _journal(config) if journal else _files(config, files, columns, where)
    _tell(report, as_json)


def _files(config: Config, files: tuple[Path, ...], columns: str | None, where: tuple[str, ...]) -> "Report":
    from streamproc.collector import settle
    from streamproc.engine.warming import warm_learner
    from streamproc.evaluate.run import evaluate
    from streamproc.files.columns import Columns
    from streamproc.files.where import Where

    warm_learner(config)
    settle()
    named = Columns.parse(columns) if columns else None
    return evaluate(config, _batches(files, named, [Where.parse(each) for each in where]))


def _batches(
    files: tuple[Path, ...], columns: "Columns | None", where: "list[Where]"
) -> Iterator[Sequence[bytes]]:
    """The events of all files, with a bar on a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    from streamproc.files.opening import size_of
    from streamproc.files.reading import read_events

    parts = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn()
    with Progress(*parts, console=Console(stderr=True), transient=True) as bar:
        for path in files:
            task = bar.add_task(str(path), total=size_of(path))
            for batch in read_events(path, columns, where):
                yield batch.values
                bar.update(task, completed=batch.position)


def _journal(config: Config) -> "Report":
    import asyncio

    from rich.console import Console

    from streamproc.collector import settle
    from streamproc.engine.warming import warm_learner
    from streamproc.evaluate.journal import evaluate_journal

    warm_learner(config)
    settle()
    with Console(stderr=True).status("learning the journal again") as status:
        return asyncio.run(evaluate_journal(config, lambda n: status.update(f"{n:,} events learned")))


def _tell(report: "Report", as_json: bool) -> None:
    import msgspec
    from rich.console import Console

    from streamproc.evaluate.table import show

    if as_json:
        click.echo(msgspec.json.encode(report).decode())
    else:
        show(report, Console())
