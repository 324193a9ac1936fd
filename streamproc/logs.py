"""What the parts log: one line per step of their life, as JSON for programs or as words on a terminal.

Every logger is `get_logger(__name__)`: a short sentence that is always the same, and what varies as fields.
`logging_as` decides for the whole process how lines look and where they go; the loggers of the libraries,
Kafka's clients among them, follow it. Without it a line is plain words, for the commands that people run.
A field `user_id` never leaves: a keyed hash goes out in its place.
"""

import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any, TextIO, cast

import structlog
from structlog.stdlib import BoundLogger, ProcessorFormatter

from streamproc.config import Config
from streamproc.errors import StreamprocError
from streamproc.log_lines import Fields, handler, words
from streamproc.pseudonyms import Pseudonyms

LIBRARIES = ("aiokafka", "asyncio", "faust", "kafka", "mode", "nicegui", "py.warnings", "uvicorn")
SERVICES = ("streamproc.kafka.app", "streamproc.kafka.leases")  # the names under which Faust tells of ours


class _Process:
    """What `logging_as` sets: the pseudonyms of this process."""

    pseudonyms = Pseudonyms()


def get_logger(name: str) -> BoundLogger:
    """A logger whose methods take a sentence, and fields by name."""
    logger = structlog.wrap_logger(
        logging.getLogger(name),
        processors=[structlog.stdlib.filter_by_level, _hide_users, _say_errors, _hand_over],
        wrapper_class=BoundLogger,
        context_class=dict,
    )
    return cast(BoundLogger, logger)


@contextmanager
def logging_as(part: str, config: Config, stream: TextIO | None = None) -> Iterator[None]:
    """All lines of this process go to `stream` (stderr) as those of `part`, why it ends included.

    An error of ours is told and becomes SystemExit with its code. What was set up before is back after that.
    """
    root = logging.getLogger()
    before = _Process.pseudonyms, root.handlers, root.level, threading.excepthook
    _Process.pseudonyms = Pseudonyms.of(config)
    root.handlers = [handler(part, config.logs.format, stream or sys.stderr)]
    threading.excepthook = _thread_ended
    _listen(config.logs.level)
    try:
        yield from _life(get_logger(f"streamproc.{part}"))
    finally:
        logging.captureWarnings(False)
        _Process.pseudonyms, root.handlers, _, threading.excepthook = before
        root.setLevel(before[2])


def silence(library: str) -> None:
    """For commands that take away on purpose what it would tell of."""
    logging.getLogger(library).setLevel(logging.CRITICAL)


def _listen(level: str) -> None:
    """To our own parts from `level` on, to libraries from warnings on."""
    logging.captureWarnings(True)
    logging.getLogger().setLevel(level.upper())
    for name in (*LIBRARIES, *SERVICES):
        logging.getLogger(name).setLevel(logging.INFO if level == "debug" else logging.WARNING)


def _life(logger: BoundLogger) -> Iterator[None]:
    logger.info("starts", version=version("streamproc"))
    try:
        yield
    except StreamprocError as error:
        logger.critical("ends by an error", error=error, kind=type(error).__name__, code=error.exit_code)
        raise SystemExit(error.exit_code) from None
    except Exception:
        logger.critical("ends by an error that nobody expected", exc_info=True)
        raise SystemExit(1) from None
    logger.info("stopped in order")


def _thread_ended(ended: threading.ExceptHookArgs) -> None:
    logging.getLogger(__name__).critical("a thread ends by an error", exc_info=ended.exc_value)


def _hide_users(logger: Any, method: str, fields: Fields) -> Fields:
    if "user_id" in fields:
        fields["user"] = _Process.pseudonyms.hash(str(fields.pop("user_id")))
    return fields


def _say_errors(logger: Any, method: str, fields: Fields) -> Fields:
    """Ours are sentences; of others the class says more than the text."""
    for name, value in fields.items():
        if isinstance(value, BaseException):
            fields[name] = str(value) if isinstance(value, StreamprocError) else repr(value)
    return fields


def _hand_over(logger: Any, method: str, fields: Fields) -> Any:
    """To the handler of `logging_as`, which knows how a line looks; in words to any other."""
    if any(isinstance(each.formatter, ProcessorFormatter) for each in logging.getLogger().handlers):
        return ProcessorFormatter.wrap_for_formatter(logger, method, fields)
    exc_info = fields.pop("exc_info", None)
    return (words(fields),), {"exc_info": exc_info}
