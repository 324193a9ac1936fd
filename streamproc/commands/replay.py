"""`streamproc replay`: event files into the events topic."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from streamproc.commands.flags import with_config
from streamproc.config import Config

if TYPE_CHECKING:
    from streamproc.files.replay import Account, Selection

LOOPBACK = ("127.", "localhost", "[::1]")


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--columns", metavar="FIELD=COLUMN,…", help="user, item, ts, type, value, session, event_id.")
@click.option(
    "--where", metavar="CONDITION", multiple=True, help='Rows to take, like "Quantity>0"; repeatable.'
)
@click.option("--rate", metavar="N", type=click.FloatRange(0, min_open=True), help="Events a second.")
@click.option("--from", "start", metavar="TIME", help="Events from this time on.")
@click.option("--to", "end", metavar="TIME", help="Events before this time.")
@click.option("--yes", is_flag=True, help="Do not ask before feeding a Kafka on another machine.")
@with_config
def command(
    config: Config,
    files: tuple[Path, ...],
    columns: str | None,
    where: tuple[str, ...],
    rate: float | None,
    start: str | None,
    end: str | None,
    yes: bool,
) -> None:
    """Feed event files into the events topic: JSON Lines or CSV, plain or packed with gzip, xz or zstd.

    A line of JSON Lines is an event as it is, unless --columns names its keys. A field may be a
    constant, as in type=:purchase; ts=# counts seconds for a file without times. A file that is fed twice
    is learned once.

    \b
    streamproc replay online-retail.csv.xz \\
        --columns user=CustomerID,item=StockCode,ts=InvoiceDate,type=:purchase,value=Quantity \\
        --where "Quantity>0" --where "CustomerID!="
    """
    from streamproc.files.columns import Columns
    from streamproc.files.replay import Selection
    from streamproc.files.times import span
    from streamproc.files.where import Where

    selection = Selection(
        Columns.parse(columns) if columns else None, [Where.parse(each) for each in where], span(start, end)
    )
    if not yes:
        ask(config)
    _tell(_replay(config, files, selection, rate))


def ask(config: Config) -> None:
    """Events fed to the wrong cluster cannot be taken back."""
    servers = config.kafka.bootstrap_servers
    if all(server.strip().startswith(LOOPBACK) for server in servers.split(",")):
        return
    click.confirm(f"{servers} is not this machine. Feed these events to it?", abort=True, err=True)


def _replay(config: Config, files: tuple[Path, ...], selection: "Selection", rate: float | None) -> "Account":
    """With a bar on a terminal, that shows the bytes of the files that were read."""
    import asyncio

    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    from streamproc.files.opening import size_of
    from streamproc.files.reading import FileBatch
    from streamproc.files.replay import replay

    sizes = {path: size_of(path) for path in files}
    columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        tasks = {path: bar.add_task(str(path), total=size) for path, size in sizes.items()}

        def progress(path: Path, batch: FileBatch) -> None:
            bar.update(tasks[path], completed=batch.position)

        return asyncio.run(replay(config, files, selection, rate, progress))


def _tell(account: "Account") -> None:
    rate = account.sent / max(account.seconds, 1e-9)
    click.echo(f"sent {account.sent:,} events in {account.seconds:.1f} s, {rate:,.0f} a second")
    for reason, cause in account.skipped.items():
        first = f"{cause.file}, line {cause.first.line}: {cause.first.detail}"
        click.echo(f"skipped {cause.rows:,} rows: {reason} (the first is {first})")
