"""`streamproc evaluate`: how good the recommendations are on a file, or were on a recorded journal."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from streamproc.commands.flags import Flags, current, with_config
from streamproc.commands.measuring import Stream
from streamproc.commands.threads import one_thread
from streamproc.config import Config
from streamproc.errors import ConfigError

if TYPE_CHECKING:
    from streamproc.evaluate.report import Clock, Report
    from streamproc.evaluate.run import Fusing, Measured

THIS = "this"  # the name of the run that was asked for, beside others


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--columns", metavar="FIELD=COLUMN,…", help="user, item, ts, type, value, session, event_id.")
@click.option(
    "--where", metavar="CONDITION", multiple=True, help='Rows to take, like "Quantity>0"; repeatable.'
)
@click.option(
    "--journal", is_flag=True, help="Evaluate the journal of the running Kafka, with its control records."
)
@click.option(
    "--clock",
    type=click.Choice(["published", "request"]),
    default="published",
    show_default=True,
    help="Predict as of the user's newest event, as slates are published, or of the event to come.",
)
@click.option(
    "--refresh-every", metavar="EVENTS", type=click.IntRange(0), default=0, show_default=True,
    help="Refresh the long-term interests after so many events, as the running product does; 0 for never.",
)  # fmt: skip
@click.option(
    "--fusion", "fusing", type=click.Choice(["learned", "average", "max"]), default="learned",
    show_default=True,
    help="The answer that is looked at: of the learned fusion, or of the average or the element-wise maximum"
    " of the long and the short vector.",
)  # fmt: skip
@click.option("--ablate", metavar="HEAD", multiple=True, help="Run again without this head; repeatable.")
@click.option(
    "--against",
    metavar="FILE.toml",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Run again with these settings.",
)
@click.option(
    "--plot", metavar="FILE.png", type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="The curves, the gate and the fusion's lead, as a picture.",
)  # fmt: skip
@click.option(
    "--tensorboard", "board", metavar="DIR", type=click.Path(file_okay=False, path_type=Path),
    help="Curves, gate and weights for TensorBoard, a folder in DIR for each run.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of tables.")
@with_config
def command(
    config: Config,
    files: tuple[Path, ...],
    columns: str | None,
    where: tuple[str, ...],
    journal: bool,
    clock: "Clock",
    refresh_every: int,
    fusing: "Fusing",
    ablate: tuple[str, ...],
    against: Path | None,
    plot: Path | None,
    board: Path | None,
    as_json: bool,
) -> None:
    """Predict every event of a file before learning it, and say how often that was right.

    Every event whose user has an earlier one is predicted, by the same engine that serves; unseen items and
    items outside the candidates are misses. With rules.exclude_seen only first-time pairs count. Other runs
    (--ablate, --against) are compared event by event; a difference of more than two standard errors is hardly
    an accident.

    \b
    streamproc evaluate clicks.jsonl.gz
    streamproc evaluate ratings.csv --columns user=user,item=item,ts=ts --json
    streamproc evaluate clicks.jsonl.gz --ablate gru --ablate factors --plot clicks.png
    streamproc evaluate clicks.jsonl.gz --refresh-every 20000
    streamproc evaluate clicks.jsonl.gz --fusion average
    """
    if bool(files) == journal:
        raise ConfigError(
            "nothing to evaluate" if not files else "files and --journal", "Name files, or --journal"
        )
    if journal and refresh_every:
        raise ConfigError("--refresh-every and --journal", "The journal holds its own refreshes")
    one_thread()
    runs = {THIS: config} | _others(config, ablate, against)
    _check_outputs(plot, board, list(runs))
    report = _measure(Stream(files, columns, where, refresh_every, fusing), runs, clock, board)
    if plot:
        _paint(report, plot)
    _tell(report, as_json)


def _others(config: Config, ablate: tuple[str, ...], against: Path | None) -> dict[str, Config]:
    """The runs to compare with, by name."""
    from streamproc.evaluate.comparing import without

    heads = [head for given in ablate for head in given.split(",")]
    others = {f"without {head}": without(config, head) for head in heads}
    if against:
        others[against.name] = Flags(against, current().overrides).load()
    return others


def _check_outputs(plot: Path | None, board: Path | None, runs: list[str]) -> None:
    """Before the work, not after it."""
    if plot and (plot.suffix != ".png" or not plot.absolute().parent.is_dir()):
        raise ConfigError(f"--plot: {plot} cannot be written", "Name a .png in a folder that is there")
    if board:
        from streamproc.evaluate.board import check_free

        for run in runs:
            check_free(board, run)


def _measure(stream: Stream, runs: dict[str, Config], clock: "Clock", board: Path | None) -> "Report":
    """All runs, one after the other; the report of the first one, with the comparisons."""
    import msgspec

    from streamproc.evaluate.paired import compare

    first, comparisons = None, []
    for name, config in runs.items():
        measured = stream.measure(config, clock, name if len(runs) > 1 else "")
        if board:
            _export(measured, board, name)
        if first is None:
            first = measured
        else:
            comparisons.append(compare(name, first.predictions, measured.predictions))
    assert first is not None
    return msgspec.structs.replace(first.report, comparisons=comparisons)


def _export(measured: "Measured", board: Path, run: str) -> None:
    from streamproc.evaluate.board import export

    export(measured, board, run)


def _paint(report: "Report", plot: Path) -> None:
    from streamproc.evaluate.picture import paint

    paint(report, plot)


def _tell(report: "Report", as_json: bool) -> None:
    import msgspec
    from rich.console import Console

    from streamproc.evaluate.story import tell
    from streamproc.evaluate.table import show

    if as_json:
        click.echo(msgspec.json.encode(report).decode())
        return
    console = Console()
    show(report, console)
    tell(report, console)
