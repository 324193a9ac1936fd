"""How good it is: predict, then learn, over whole real streams, beside others on the same events.

`python -m benchmarks quality [SETS…] [--quick]` measures, keeps each line in docs/quality.jsonl and writes
docs/quality.md from all that are there. With --quick it takes the first events only and keeps nothing.
"""

from collections.abc import Iterator

from benchmarks.result import Result, line


def run(quick: bool, *names: str) -> Iterator[Result]:
    """The named sets, or all of them, and the simulated shop; what is not at hand is left out and said so."""
    from benchmarks.quality import book  # here: names of sets are asked for before anything heavy is loaded
    from benchmarks.quality.measuring import results

    for result in results(quick, names):
        if not quick:
            book.keep(line(result, quick))
        yield result
    if not quick:
        book.publish()
