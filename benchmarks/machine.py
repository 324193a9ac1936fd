"""What it was measured on: processor, versions, the revision of the tree."""

import os
import platform
import subprocess
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PACKAGES = ("numba", "numpy", "scipy", "faust-streaming", "aiokafka", "implicit", "river")
BROKER = "org.apache.kafka:kafka_2.13:"  # its line in the list of jars


@cache
def machine() -> dict[str, Any]:
    """Processor, cores, memory, system."""
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
    }


@cache
def versions() -> dict[str, str]:
    """Of what decides over speed."""
    return {
        "python": platform.python_version(),
        **{package: version(package) for package in PACKAGES},
        "kafka": _kafka(),
    }


@cache
def revision() -> str | None:
    """The commit of the tree, with `+changes` where files differ from it; None outside a repository."""
    commit = _git("rev-parse", "--short", "HEAD")
    return commit and commit + ("+changes" if _git("status", "--porcelain") else "")


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "unknown")


def _kafka() -> str:
    lines = files("streamproc.broker").joinpath("jars.txt").read_text("utf-8").splitlines()
    return next(line.removeprefix(BROKER).split()[0] for line in lines if line.startswith(BROKER))


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
