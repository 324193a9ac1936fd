"""What the server's curves are made of."""

from dataclasses import dataclass

EVERY = 2.0  # seconds between two looks
KEPT = 900  # points: half an hour
MARKS = 200  # kept
HAPPENED = ("refresh", "promoted", "rejected", "rolled_back", "drift", "shed", "caught_up")


@dataclass(frozen=True)
class Point:
    """One look at all parts; values by `part|name|label=value,...`."""

    at: float  # seconds since 1970
    values: dict[str, float]


@dataclass(frozen=True)
class Mark:
    """Something that happened, to be drawn into curves."""

    at: float  # seconds since 1970
    what: str  # one of HAPPENED
