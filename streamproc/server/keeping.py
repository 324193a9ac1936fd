"""The curves on disk, so that they go on when the server is started again: lines in one file.

Each look adds a line. Now and then a new file without what is too old to be drawn takes the old one's place.
A crash or a full disk tears the last line. The file is no truth: where it cannot be read, curves are shorter.
"""

import fcntl
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import IO, NamedTuple

import msgspec

from streamproc.logs import get_logger
from streamproc.server.points import EVERY, HAPPENED, KEPT, Mark, Point

logger = get_logger(__name__)

FOLDER, NAME, LOCK = "server", "history.jsonl", "history.lock"
FORMAT = "streamproc history 1"
MOST_LINES = 2 * KEPT  # before the file is written anew
MOST_BYTES = 1 << 22  # of one line
SPAN = KEPT * EVERY  # seconds that are kept


class Begin(msgspec.Struct, tag="begin", forbid_unknown_fields=True):
    """The first line."""

    format: str


class Names(msgspec.Struct, tag="names", forbid_unknown_fields=True):
    """What the values of the looks from here on are called."""

    names: list[str]


class Look(msgspec.Struct, tag="look", forbid_unknown_fields=True):
    """A point."""

    at: float
    values: list[float | None]  # null: not a finite number


class Happened(msgspec.Struct, tag="mark", forbid_unknown_fields=True):
    """A mark."""

    at: float
    what: str


_DECODER = msgspec.json.Decoder(Begin | Names | Look | Happened)


class Kept(NamedTuple):
    """Points and marks, the newest last."""

    points: list[Point]
    marks: list[Mark]


class HistoryFile:
    """Of one server: a second one on the same folder keeps nothing. What cannot be written costs no curve."""

    def __init__(self, data_dir: Path) -> None:
        self._folder = data_dir / FOLDER
        self._lock: IO[bytes] | None = None
        self._names: list[str] = []
        self._lines = MOST_LINES  # so that it begins with a file of its own
        self._works = True  # as of the last attempt

    def open(self, now: float) -> Kept:
        """Take the folder, and read what was kept of the half hour before `now`, in seconds since 1970."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._lock = _locked(self._folder / LOCK)
            return recent(read(self._folder / NAME), now)
        except OSError as error:
            self._failed(error)
            return Kept([], [])

    def add(self, kept: Kept, marks: Sequence[Mark]) -> None:
        """The newest of the kept points, and the marks that came with it."""
        if self._lock is None:
            return
        try:
            if self._lines >= MOST_LINES:
                self._write_anew(kept)
            else:
                with (self._folder / NAME).open("ab") as file:
                    file.writelines(self._lines_of(kept.points[-1:], marks))
            self._works = True
        except OSError as error:
            self._failed(error)

    def close(self) -> None:
        """Another server may take the folder."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _write_anew(self, kept: Kept) -> None:
        self._names, self._lines = [], 0
        draft = (self._folder / NAME).with_suffix(".new")
        with draft.open("wb") as file:
            file.write(_line(Begin(FORMAT)))
            file.writelines(self._lines_of(kept.points, kept.marks))
        draft.replace(self._folder / NAME)

    def _lines_of(self, points: Iterable[Point], marks: Iterable[Mark]) -> Iterator[bytes]:
        for mark in marks:
            yield _line(Happened(mark.at, mark.what))
        for point in points:
            names = list(point.values)
            if names != self._names:
                self._names = names
                self._lines += 1
                yield _line(Names(names))
            self._lines += 1
            yield _line(Look(point.at, list(point.values.values())))

    def _failed(self, error: OSError) -> None:
        """Said once; the next attempt is a whole file, as the end of this one may be torn."""
        self._lines = MOST_LINES
        if self._works:
            logger.warning("the curves are not kept on disk", folder=str(self._folder), error=error)
        self._works = False


def read(file: Path) -> Kept:
    """Everything up to the first line that is not ours. Raises OSError, but none where it is missing."""
    kept, names = Kept([], []), list[str]()
    try:
        with file.open("rb") as lines:
            for number, line in enumerate(iter(partial(lines.readline, MOST_BYTES), b"")):
                try:
                    names = _take(kept, names, number, line)
                except (ValueError, msgspec.MsgspecError) as error:
                    logger.warning("the kept curves end here", file=str(file), line=number + 1, error=error)
                    break
    except FileNotFoundError:
        pass
    return kept


def recent(kept: Kept, now: float) -> Kept:
    """Not older than half an hour, in order, and not of a clock that was ahead."""
    points: list[Point] = []
    for point in kept.points:
        if now - SPAN < point.at <= now and (not points or point.at > points[-1].at):
            points.append(point)
    return Kept(points, [mark for mark in kept.marks if now - SPAN < mark.at <= now])


def _take(kept: Kept, names: list[str], number: int, line: bytes) -> list[str]:
    """The names from here on. Raises ValueError, MsgspecError."""
    told = _DECODER.decode(line)
    if not line.endswith(b"\n") or (number == 0) != isinstance(told, Begin):
        raise ValueError("it is torn, or not of this program")
    if isinstance(told, Begin) and told.format != FORMAT:
        raise ValueError(f"its format is {told.format!r}")
    if isinstance(told, Names):
        return told.names
    if isinstance(told, Look):
        pairs = zip(names, told.values, strict=True)
        kept.points.append(Point(told.at, {name: value for name, value in pairs if value is not None}))
    elif isinstance(told, Happened):
        if told.what not in HAPPENED:
            raise ValueError(f"{told.what!r} is no mark")
        kept.marks.append(Mark(told.at, told.what))
    return names


def _line(told: msgspec.Struct) -> bytes:
    return msgspec.json.encode(told) + b"\n"


def _locked(path: Path) -> IO[bytes] | None:
    """The open lock, which the kernel lets go of however this process ends; None where another has it."""
    file = path.open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        logger.info("another server keeps its curves here; ours end with us", file=str(path))
        return None
    return file
