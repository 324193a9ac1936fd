"""One supervisor per data folder."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from streamproc.errors import AlreadyRunning

FILE_NAME = "up.lock"


@contextmanager
def held(data_dir: Path) -> Iterator[None]:
    """Hold the folder's lock; the kernel lets go of it however this process ends.

    Raises AlreadyRunning with the process id of the holder.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    with (data_dir / FILE_NAME).open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise AlreadyRunning(
                f"streamproc is already up on {data_dir.resolve()} (process {holder})",
                "Stop that one, or take another --data-dir",
            ) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield
