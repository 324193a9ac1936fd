"""The wall clock, as a part that can be exchanged in tests. Nothing that decides or learns may read it."""

import time
from typing import Protocol


class Clock(Protocol):
    """What the outer parts ask for the time."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch, UTC."""

    def seconds(self) -> float:
        """Seconds on a clock that never goes back; only differences mean something."""


class SystemClock:
    """The machine's own clocks."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def seconds(self) -> float:
        return time.monotonic()


class ManualClock:
    """A clock that stands still until it is moved; for tests."""

    def __init__(self, now_ms: int = 0) -> None:
        self._now_ms = float(now_ms)

    def now_ms(self) -> int:
        return int(self._now_ms)

    def seconds(self) -> float:
        return self._now_ms / 1000.0

    def advance(self, seconds: float) -> None:
        self._now_ms += seconds * 1000.0
