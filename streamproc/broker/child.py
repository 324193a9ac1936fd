"""A child process that never outlives its parent, however the parent ends."""

import ctypes
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO

from streamproc.scheduling import give_way

PR_SET_PDEATHSIG = 1  # linux/prctl.h
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None  # loaded before any fork


def spawn(
    command: list[str], output: IO[bytes], folder: Path, gives_way: bool = False
) -> "subprocess.Popen[bytes]":
    """Start a command in a session of its own, so that a Ctrl-C on the terminal reaches only its parent.

    The kernel ties its life to the *thread* that called: call from the main thread.
    """
    parent = os.getpid()

    def begin() -> None:
        die_with(parent)
        if gives_way:
            give_way()

    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        cwd=folder,
        start_new_session=True,
        preexec_fn=begin,
    )


def die_with(parent: int) -> None:
    """Called in a new child: have the kernel kill it when the process `parent` is gone."""
    if _LIBC is None:
        return
    _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the kernel knew
        os._exit(1)


def stop(process: "subprocess.Popen[bytes]", patience: float) -> int:
    """Ask a child to end, and after `patience` seconds end it. Returns its exit code."""
    if process.poll() is None:
        process.terminate()
    try:
        return process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
