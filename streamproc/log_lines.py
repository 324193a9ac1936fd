"""How a line of the log looks: JSON for programs, words on a terminal; and what is not told twice."""

import json
import logging
import time
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any, Literal, TextIO

import structlog
from structlog.stdlib import ProcessorFormatter

Fields = MutableMapping[str, Any]
AGAIN = 60.0  # seconds in which one line of a library's code is told once: clients repeat themselves
FRAME = ("timestamp", "level", "part", "pid", "logger", "event", "exception")  # the rest varies
NEEDS_QUOTES = frozenset(' \t"=')


def handler(part: str, form: Literal["auto", "json", "text"], stream: TextIO) -> logging.Handler:
    """Writes lines of `part`: with `auto` as JSON, except on a terminal."""
    on_terminal = stream.isatty()
    made = logging.StreamHandler(stream)
    look = _json() if form == "json" or (form == "auto" and not on_terminal) else _text(on_terminal)
    made.setFormatter(ProcessorFormatter(processors=[_Frame(part), *look]))
    made.addFilter(OnceInAWhile())
    return made


def plain(line: str) -> str:
    """A line of ours in words, without where it comes from; any other line as it is."""
    fields = fields_of(line)
    return words(fields) if fields else line


def fields_of(line: str) -> Fields | None:
    """What a line of JSON says; None where it is no line of ours."""
    try:
        fields = json.loads(line)
    except ValueError:
        return None
    return fields if isinstance(fields, dict) and "event" in fields else None


def words(fields: Fields) -> str:
    """`sentence field=value`."""
    told = [f"{name}={_quoted(value)}" for name, value in fields.items() if name not in FRAME]
    return " ".join([printable(str(fields["event"])), *told])


def printable(text: str) -> str:
    """Without what moves a terminal's cursor or begins a line of its own."""
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


class OnceInAWhile(logging.Filter):
    """Passes what we say; of what libraries say, every line of their code once in AGAIN seconds."""

    def __init__(self) -> None:
        super().__init__()
        self._told: dict[tuple[str, int], float] = {}  # by place in the code

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.msg, dict):
            return True
        place, now = (record.pathname, record.lineno), time.monotonic()
        if now < self._told.get(place, 0.0):
            return False
        self._told[place] = now + AGAIN
        return True


class _Frame:
    """What every line has, first."""

    def __init__(self, part: str) -> None:
        self._part = part

    def __call__(self, logger: Any, method: str, fields: Fields) -> Fields:
        record: logging.LogRecord = fields.pop("_record")
        fields.pop("_from_structlog")
        moment = datetime.fromtimestamp(record.created, UTC)
        return {
            "timestamp": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "part": self._part,
            "pid": record.process,
            "logger": record.name,
            "event": fields.pop("event"),
            **fields,
        }


def _json() -> list[Any]:
    return [
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
    ]


def _text(colours: bool) -> list[Any]:
    return [
        _printable_fields,
        structlog.dev.ConsoleRenderer(
            colors=colours, exception_formatter=structlog.dev.plain_traceback, pad_event_to=0
        ),
    ]


def _printable_fields(logger: Any, method: str, fields: Fields) -> Fields:
    """On a terminal nobody needs to be told who is speaking."""
    for name in ("part", "pid", "logger"):
        fields.pop(name)
    return {name: printable(value) if isinstance(value, str) else value for name, value in fields.items()}


def _quoted(value: Any) -> str:
    text = printable(value) if isinstance(value, str) else str(value)
    return json.dumps(text, ensure_ascii=False) if not text or NEEDS_QUOTES & set(text) else text
