"""The simulated shop beside the parts: what it tells scrolls above the live figures."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from streamproc.broker import child

PATIENCE = 1.0  # seconds to end in order


class Shop:
    """`streamproc simulate` as a child; it tells, and when it has ended it is not started again."""

    def __init__(self, flags: Sequence[str], tell: Callable[[str], None], columns: int | None = None) -> None:
        """`columns` is the terminal's width; None where there is no terminal, and then no colours."""
        colours = ["env", "FORCE_COLOR=1", f"COLUMNS={columns}"] if columns else []
        self._command = [*colours, sys.executable, "-u", "-m", "streamproc.cli", "simulate", *flags]
        self._tell = tell
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Call from the main thread."""
        reading, writing = os.pipe()
        with os.fdopen(writing, "wb") as output:
            self._process = child.spawn(self._command, output, Path.cwd())
        threading.Thread(target=self._relay, args=(reading,), daemon=True).start()

    def stop(self) -> None:
        """Nothing where it has ended."""
        if self._process:
            child.stop(self._process, PATIENCE)

    def _relay(self, reading: int) -> None:
        with os.fdopen(reading, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                self._tell(line.rstrip("\n"))
