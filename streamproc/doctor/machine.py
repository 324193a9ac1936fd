"""What is checked on this machine alone: versions, disk, file descriptors, kernels, snapshots."""

import os
import platform
import resource
import shutil
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from streamproc.broker import java
from streamproc.config import Config
from streamproc.doctor.finding import Finding, below, fine
from streamproc.engine.snapshots import listed
from streamproc.errors import BrokerFailed

PACKAGES = ("aiokafka", "faust-streaming", "msgspec", "numba", "numpy", "safetensors")
GB = 1e9
DISK_WARN, DISK_FAIL = 5 * GB, 1 * GB  # bytes free
FILES_WARN, FILES_FAIL = 4096, 256  # open files of a process; the embedded Kafka has the most


def look(config: Config) -> Iterator[Finding]:
    """Each check in turn; none raises."""
    yield python()
    yield packages()
    yield embedded_java()
    yield folder(config.data_dir)
    yield disk(shutil.disk_usage(_existing(config.data_dir)).free, config.data_dir)
    yield files(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    yield kernels()
    yield snapshots(config)


def python(found: tuple[int, int] = sys.version_info[:2]) -> Finding:
    told = f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    if found >= (3, 11):
        return fine("python", told)
    return Finding("python", "failure", told, "Install Python 3.11 or newer, and set up anew")


def packages(names: tuple[str, ...] = PACKAGES) -> Finding:
    there, missing = [], []
    for name in names:
        try:
            there.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing.append(name)
    if missing:
        return Finding("packages", "failure", f"missing: {', '.join(missing)}", "Run `make setup`")
    return fine("packages", ", ".join(there))


def embedded_java() -> Finding:
    """Only `up` and `broker` need one."""
    try:
        found = java.find()
    except BrokerFailed as error:
        return Finding("java", "warning", error.message, error.remedy)
    return fine("java", f"Java {java.version(found)} for the embedded Kafka")


def folder(data_dir: Path) -> Finding:
    """Whether it can be written and synced; nothing is left behind."""
    try:
        with tempfile.TemporaryFile(dir=_existing(data_dir)) as file:
            file.write(b"streamproc")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        told = f"{data_dir} cannot be written: {error.strerror}"
        return Finding("data folder", "failure", told, "Give it to the user who runs this, or set data_dir")
    return fine("data folder", f"{data_dir.resolve()} can be written and synced")


def disk(free: float, data_dir: Path) -> Finding:
    told = f"{free / GB:.1f} GB free for {data_dir.resolve()}"
    remedy = "Make room, or set data_dir to a larger disk: snapshots and the embedded Kafka are there"
    return below("disk", free, DISK_WARN, DISK_FAIL, told, remedy)


def files(limit: int) -> Finding:
    allowed = sys.maxsize if limit == resource.RLIM_INFINITY else limit
    told = f"a process may open {'any number of' if allowed == sys.maxsize else allowed} files"
    return below("file descriptors", allowed, FILES_WARN, FILES_FAIL, told, "Raise it: `ulimit -n 65536`")


def kernels() -> Finding:
    """Where there is no cache, the first start compiles for minutes."""
    import numba

    import streamproc_models.kernel  # noqa: F401  it says where the cache is

    place = Path(str(numba.config.CACHE_DIR))  # type: ignore[attr-defined]
    found = sum(1 for _ in place.rglob("*.nbi")) if place.is_dir() else 0
    if not found:
        told = f"no compiled kernels in {place}"
        return Finding(
            "kernels", "warning", told, "Run `streamproc warm`; else the first start takes minutes"
        )
    if not os.access(place, os.W_OK):
        return Finding("kernels", "warning", f"{place} cannot be written", "Give it to who runs this")
    return fine("kernels", f"{found} compiled functions in {place}")


def snapshots(config: Config) -> Finding:
    """By their manifests; `streamproc snapshot verify` reads all of them."""
    standings = listed(config, every_byte=False)
    damaged = [each.path.name for each in standings if each.problem]
    if damaged:
        remedy = "See `streamproc snapshot verify`; an older one is used"
        return Finding("snapshots", "warning", f"damaged: {', '.join(damaged)}", remedy)
    newest = standings[0].manifest if standings else None
    told = "none yet" if newest is None else f"{len(standings)}, the newest at offset {newest.learned_to}"
    return fine("snapshots", told)


def _existing(path: Path) -> Path:
    place = path.resolve()
    while not place.exists():
        place = place.parent
    return place
