"""`python -m benchmarks [NAMES…] [SETS…] [--quick] [--out FILE]`: JSON lines on stdout, a table on stderr."""

import json
from pathlib import Path

import click
from rich.console import Console

from benchmarks.quality.sets import RETURNING, SETS
from benchmarks.registry import BENCHMARKS, LONG, load
from benchmarks.result import Result, line
from benchmarks.table import table
from streamproc.commands.threads import one_thread


@click.command()
@click.argument("names", nargs=-1, type=click.Choice([*BENCHMARKS, *SETS, RETURNING]))
@click.option("--quick", is_flag=True, help="Few simulated events: whether it runs, not how fast it is.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Add the lines to a file, too.")
def main(names: tuple[str, ...], quick: bool, out: Path | None) -> None:
    """Measure the named ones, or all but `quality`; `quality` takes names of sets, or all of them."""
    one_thread()
    results: list[Result] = []
    named, sets = _parted(names)
    for name in named:
        for result in load(name)(quick, *(sets if name == "quality" else ())):
            _write(json.dumps(line(result, quick)), out)
            results.append(result)
    Console(stderr=True).print(table(results))


def _parted(names: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """What to run, and the sets of `quality` that were named."""
    named = [name for name in names if name in BENCHMARKS]
    sets = [name for name in names if name not in BENCHMARKS]
    if sets and "quality" not in named:
        raise click.UsageError(f"{sets[0]} is a set of `quality`: name that, too")
    return named or [name for name in BENCHMARKS if name not in LONG], sets


def _write(text: str, out: Path | None) -> None:
    click.echo(text)
    if out is not None:
        with out.open("a", encoding="utf-8") as file:
            file.write(text + "\n")


if __name__ == "__main__":
    main()
