"""Where a part answers /metrics: on loopback, and announced in `data_dir/run`, so that `streamproc status`
and a Prometheus on the same machine find every part.
"""

import atexit
import ipaddress
import json
import os
from pathlib import Path

from prometheus_client import CollectorRegistry, start_http_server

from streamproc.errors import ConfigError

FOLDER = "run"  # in data_dir


def serve(
    registry: CollectorRegistry, host: str, port: int, data_dir: Path, part: str, page: str = ""
) -> int:
    """Answer from a thread of its own and announce it as `part`; returns the port (0 takes a free one).

    The figures tell how a business does and nobody is asked for a password: raises ConfigError where
    `host` is not loopback, or the port is taken.
    """
    if not is_loopback(host):
        raise ConfigError(
            f"metrics.host is {host}, which other machines can reach, and /metrics asks for no password",
            "Use 127.0.0.1 and put a proxy that does in front of it",
        )
    try:
        server, _ = start_http_server(port, addr=host, registry=registry)
    except OSError as error:
        raise ConfigError(
            f"/metrics cannot be served on {host}:{port}: {error.strerror}",
            f"Set metrics.{part}_port to a free port, or to 0",
        ) from None
    actual: int = server.server_port
    announce(data_dir, part, f"http://{host}:{actual}/metrics", page)
    return actual


def alive(pid: int) -> bool:
    """Whether a process with this id runs on this machine."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def running(data_dir: Path, part: str) -> int | None:
    """The process id of this part on this data folder, where one runs."""
    files = [data_dir / FOLDER / f"{part}.json", *(data_dir / FOLDER).glob(f"{part}-*.json")]
    return next((pid for file in files if (pid := _owner(file)) is not None), None)


def announce(data_dir: Path, part: str, address: str, page: str = "") -> None:
    """A second process of the same part takes a name with its process id. `page`: what people open."""
    folder = data_dir / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{part}.json"
    if _owner(file) not in (None, os.getpid()):
        file = folder / f"{part}-{os.getpid()}.json"
    draft = file.with_suffix(f".{os.getpid()}.new")
    entry = {"pid": os.getpid(), "metrics": address} | ({"page": page} if page else {})
    draft.write_text(json.dumps(entry), "utf-8")
    draft.replace(file)
    atexit.register(_withdraw, file)


def _withdraw(file: Path) -> None:
    if _owner(file) == os.getpid():
        file.unlink(missing_ok=True)


def _owner(file: Path) -> int | None:
    """The living process that wrote this file, if any."""
    try:
        pid = int(json.loads(file.read_text("utf-8"))["pid"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return pid if alive(pid) else None


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches it."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
