"""How much memory the parts take, while they are hurt."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple


class Resident(NamedTuple):
    """Megabytes of one part that the system has given it."""

    first: float  # once it had warmed up
    highest: float
    last: float


class Memory:
    """Looks at processes again and again; one that was started anew counts as the same part."""

    def __init__(self) -> None:
        self.found: dict[str, Resident] = {}

    def look(self, pids: Mapping[str, int | None]) -> None:
        """At the parts that run."""
        for part, pid in pids.items():
            now = _resident(pid) if pid is not None else None
            if now:
                first, highest, _ = self.found.get(part, Resident(now, 0.0, now))
                self.found[part] = Resident(first, max(highest, now), now)


def _resident(pid: int) -> float | None:
    """None where the process has gone, or there is no /proc."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return None
    kilobytes = next((int(line.split()[1]) for line in lines if line.startswith("VmRSS:")), None)
    return kilobytes / 1000 if kilobytes else None
