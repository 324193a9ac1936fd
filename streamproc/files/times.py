"""Times as files write them, turned into milliseconds since 1970 UTC."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from streamproc.errors import ConfigError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
SECONDS_BELOW = 100_000_000_000  # a number under this is seconds (up to the year 5138), else milliseconds
LATEST = 253_402_300_800_000  # ms, the year 10000
FORMS = "RFC 3339, YYYY-MM-DD HH:MM:SS (UTC), or seconds or milliseconds since 1970"


def millis(text: str) -> int:
    """Milliseconds since 1970 of `text`; a time without a zone is UTC. Raises ValueError."""
    if text[4:5] != "-":
        return _from_number(text)
    when = datetime.fromisoformat(text)
    return ((when if when.tzinfo else when.replace(tzinfo=UTC)) - EPOCH) // MILLISECOND


def _from_number(text: str) -> int:
    try:
        number = float(text)
    except ValueError:
        raise ValueError(f"no time: {text!r}") from None
    time = number * 1000 if abs(number) < SECONDS_BELOW else number
    if not 0 <= time < LATEST:  # NaN too
        raise ValueError(f"no time: {text!r}")
    return round(time)


class Span(NamedTuple):
    """Event times from `start` on and before `end`, in ms; None is open."""

    start: int | None = None
    end: int | None = None

    def holds(self, time: int) -> bool:
        return (self.start is None or time >= self.start) and (self.end is None or time < self.end)


def span(start: str | None, end: str | None) -> Span:
    """A span from two flags. Raises ConfigError that names the one that is wrong."""
    return Span(_bound("--from", start), _bound("--to", end))


def _bound(flag: str, text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return millis(text)
    except ValueError:
        raise ConfigError(f"{flag} {text!r} is no time", f"Write {FORMS}") from None
