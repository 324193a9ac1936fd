"""A stream to evaluate, files or the recorded journal, and one run of the engine over it with a bar."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from streamproc.config import Config

if TYPE_CHECKING:
    from streamproc.evaluate.refreshing import Refresh
    from streamproc.evaluate.report import Clock
    from streamproc.evaluate.run import Fusing, Measured


@dataclass(frozen=True)
class Stream:
    """What was named on the command line; no files means the journal of the running Kafka."""

    files: tuple[Path, ...]
    columns: str | None = None
    where: tuple[str, ...] = ()
    refresh_every: int = 0  # events of the files; a journal holds its own refreshes
    fusing: "Fusing" = "learned"  # whose answers are looked at

    def measure(self, config: Config, clock: "Clock", run: str) -> "Measured":
        """One run over all of it; `run` is its name on the bar."""
        from streamproc.collector import settle
        from streamproc.engine.warming import warm_learner

        warm_learner(config)
        settle()
        return self._files(config, clock, run) if self.files else self._journal(config, clock, run)

    def _files(self, config: Config, clock: "Clock", run: str) -> "Measured":
        from streamproc.evaluate.run import measure

        return measure(config, self._batches(run), clock, self._refresh(config), self.fusing)

    def _refresh(self, config: Config) -> "Refresh | None":
        """None where nobody would look at what it fits."""
        heads = config.heads
        if not self.refresh_every or not (heads.long_term.enabled or heads.encoder.enabled):
            return None
        from streamproc.refresh.offline import OfflineRefresh

        return OfflineRefresh(config, self.refresh_every)

    def _batches(self, run: str) -> Iterator[Sequence[bytes]]:
        """The events of all files, with a bar on a terminal."""
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

        from streamproc.files.columns import Columns
        from streamproc.files.opening import size_of
        from streamproc.files.reading import read_events
        from streamproc.files.where import Where

        named = Columns.parse(self.columns) if self.columns else None
        where = [Where.parse(each) for each in self.where]
        parts = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn()
        with Progress(*parts, console=Console(stderr=True), transient=True) as bar:
            for path in self.files:
                task = bar.add_task(f"{run}: {path}" if run else str(path), total=size_of(path))
                for batch in read_events(path, named, where):
                    yield batch.values
                    bar.update(task, completed=batch.position)

    def _journal(self, config: Config, clock: "Clock", run: str) -> "Measured":
        import asyncio

        from rich.console import Console

        from streamproc.evaluate.journal import measure_journal

        what = f"learning the journal again {run}".rstrip()
        with Console(stderr=True).status(what) as status:

            def progress(events: int) -> None:
                status.update(f"{what}: {events:,} events learned")

            return asyncio.run(measure_journal(config, clock, progress, self.fusing))
