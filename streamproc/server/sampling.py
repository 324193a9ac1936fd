"""The parts' figures over the last half hour, for pictures: asked for every two seconds, kept on disk."""

import asyncio
from collections import deque
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from streamproc.clock import Clock
from streamproc.scrape import Samples, Tokens, scrape
from streamproc.server.keeping import HistoryFile, Kept
from streamproc.server.points import EVERY, KEPT, MARKS, Mark, Point

LEFT_OUT = ("python_", "process_open", "process_max", "process_virtual", "_created", "_info")


class History:
    """Points and marks, the newest last; and the newest look in full."""

    def __init__(self, data_dir: Path, others: list[str], clock: Clock, tokens: Tokens | None = None) -> None:
        self._data_dir = data_dir
        self._others = others
        self._tokens = tokens
        self._clock = clock
        self.points: deque[Point] = deque(maxlen=KEPT)
        self.marks: deque[Mark] = deque(maxlen=MARKS)
        self.newest = Samples()
        self._file = HistoryFile(data_dir)

    async def run(self) -> None:
        """For ever, on from what was kept."""
        try:
            await self.restore()
            while True:
                marks = self.take(await asyncio.to_thread(scrape, self._data_dir, self._others, self._tokens))
                await self.keep(marks)
                await asyncio.sleep(EVERY)
        finally:
            self._file.close()

    async def restore(self) -> None:
        """What the server before us has kept of the last half hour."""
        kept = await asyncio.to_thread(self._file.open, self._clock.now_ms() / 1000.0)
        self.points.extend(kept.points)
        self.marks.extend(kept.marks)

    async def keep(self, marks: list[Mark]) -> None:
        """The newest look, and the marks that it has brought."""
        await asyncio.to_thread(self._file.add, Kept(list(self.points), list(self.marks)), marks)

    def take(self, samples: Samples) -> list[Mark]:
        """One look; what has happened since the one before."""
        values: dict[str, float] = {}
        for sample in samples:
            if not any(part in sample.name for part in LEFT_OUT):
                key = _key(sample.part, sample.name, sample.labels)
                values[key] = values.get(key, 0.0) + sample.value
        point = Point(self._clock.now_ms() / 1000.0, values)
        marks = list(_marks(self.points[-1], point)) if self.points else []
        self.marks.extend(marks)
        self.points.append(point)
        self.newest = samples
        return marks

    def value(self, part: str, name: str, **labels: str) -> float | None:
        """As of the newest look."""
        return self.points[-1].values.get(_key(part, name, labels)) if self.points else None

    def total(self, part: str, name: str, **labels: str) -> float:
        """Over processes and further labels, as of the newest look."""
        return self.newest.total(part, name, **labels)

    def increase(self, seconds: float, part: str, name: str, **labels: str) -> float:
        """How much a counter has grown lately; 0 where it began anew."""
        if len(self.points) < 2:
            return 0.0
        key, newest = _key(part, name, labels), self.points[-1]
        old = self._since(newest.at - seconds)
        return max(_grown(old, newest, key) or 0.0, 0.0)

    def rate(self, seconds: float, part: str, name: str, **labels: str) -> float:
        """Its growth per second."""
        if len(self.points) < 2:
            return 0.0
        newest = self.points[-1]
        took = newest.at - self._since(newest.at - seconds).at
        return self.increase(seconds, part, name, **labels) / took if took > 0 else 0.0

    def arriving(self) -> float:
        """Events per second that the workers read, over the last ten seconds."""
        topics = self.labels("worker", "events_consumed_total", "topic")
        return sum(self.rate(10, "worker", "events_consumed_total", topic=topic) for topic in topics)

    def ratios(self, over: float, above: str, below: str) -> list[tuple[float, float | None]]:
        """(time, growth of one counter / growth of another over `over` seconds), for curves."""
        return [
            (point.at, _ratio(_grown(old, point, above), _grown(old, point, below)))
            for old, point in self._pairs(over)
        ]

    def curve(self, key: str) -> list[tuple[float, float | None]]:
        """(time, value) of one series."""
        return [(point.at, point.values.get(key)) for point in self.points]

    def rates(self, over: float, key: str) -> list[tuple[float, float | None]]:
        """(time, growth per second) of a counter."""
        return [
            (
                new.at,
                None if (grown := _grown(old, new, key)) is None else max(grown, 0.0) / (new.at - old.at),
            )
            for old, new in self._pairs(over)
            if new.at > old.at
        ]

    def labels(self, part: str, name: str, label: str) -> list[str]:
        """Values that a label has now."""
        return sorted(self.newest.by(part, name, label))

    def steps(self, seconds: float, part: str) -> Iterator[tuple[dict[str, float], dict[str, float]]]:
        """Values of each look and of the one before, over the last `seconds`, in one life of the part."""
        points = list(self.points)
        newest = points[-1].at if points else 0.0
        for old, new in pairwise(points):
            if old.at >= newest - seconds and _same_life(old, new, part):
                yield old.values, new.values

    def _since(self, at: float) -> Point:
        return next((point for point in self.points if point.at >= at), self.points[-1])

    def _pairs(self, over: float) -> Iterator[tuple[Point, Point]]:
        old = 0
        points = list(self.points)
        for new in points[1:]:
            while points[old].at < new.at - over:
                old += 1
            yield points[old], new


def key(part: str, name: str, **labels: str) -> str:
    """How a series is called in a point."""
    return _key(part, name, labels)


def _key(part: str, name: str, labels: dict[str, str]) -> str:
    return f"{part}|{name}|" + ",".join(f"{label}={labels[label]}" for label in sorted(labels))


def _grown(old: Point, new: Point, key: str) -> float | None:
    """None where the part counts anew, or was not there: the difference says nothing."""
    if not _same_life(old, new, key.split("|")[0]):
        return None
    return new.values.get(key, 0.0) - old.values.get(key, 0.0)


def _same_life(old: Point, new: Point, part: str) -> bool:
    life = _key(part, "start_timestamp_seconds", {})
    return old.values.get(life) == new.values.get(life)


def _ratio(above: float | None, below: float | None) -> float | None:
    return above / below if above is not None and below is not None and below > 0 else None


def _marks(old: Point, new: Point) -> Iterator[Mark]:
    """What the figures say has happened between two looks."""
    yield from _marks_of_load(old, new)
    for name, value in new.values.items():
        if value <= old.values.get(name, value):
            continue
        if name.startswith("trainer|batch_promotions_total|"):
            yield Mark(new.at, name.rsplit("=", 1)[1])
        elif name.startswith("trainer|drift_detections_total|"):
            yield Mark(new.at, "drift")
        elif name == "refresh|batch_seconds_count|":  # counts: the states pass between two looks
            yield Mark(new.at, "refresh")


def _marks_of_load(old: Point, new: Point) -> Iterator[Mark]:
    name = key("trainer", "prediction_interval_events")
    before, now = old.values.get(name, 0.0), new.values.get(name, 0.0)
    if before == 1.0 < now:
        yield Mark(new.at, "shed")
    elif before > 1.0 == now:
        yield Mark(new.at, "caught_up")
