"""`python -m benchmarks [NAMES…] [--quick] [--out FILE]`: JSON lines on stdout, a table on stderr."""

import json
from pathlib import Path

import click
from rich.console import Console

from benchmarks.registry import BENCHMARKS, load
from benchmarks.result import Result, line
from benchmarks.table import table
from streamproc.commands.threads import one_thread


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(list(BENCHMARKS)))
@click.option("--quick", is_flag=True, help="Few simulated events: whether it runs, not how fast it is.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Add the lines to a file, too.")
def main(names: tuple[str, ...], quick: bool, out: Path | None) -> None:
    """Measure all, or the ones that are named, one after the other."""
    one_thread()
    results: list[Result] = []
    for name in names or BENCHMARKS:
        for result in load(name)(quick):
            _write(json.dumps(line(result, quick)), out)
            results.append(result)
    Console(stderr=True).print(table(results))


def _write(text: str, out: Path | None) -> None:
    click.echo(text)
    if out is not None:
        with out.open("a", encoding="utf-8") as file:
            file.write(text + "\n")


if __name__ == "__main__":
    main()
