"""What one check found."""

from typing import Literal, NamedTuple

State = Literal["ok", "warning", "failure"]  # a failure keeps something from working, or from being right


class Finding(NamedTuple):
    """One line of the report."""

    check: str
    state: State
    told: str
    remedy: str = ""  # what to do; only empty where it is ok


def fine(check: str, told: str) -> Finding:
    return Finding(check, "ok", told)


def below(check: str, value: float, warn: float, fail: float, told: str, remedy: str) -> Finding:
    """A failure below `fail`, a warning below `warn`."""
    if value >= warn:
        return fine(check, told)
    return Finding(check, "failure" if value < fail else "warning", told, remedy)
