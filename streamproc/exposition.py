"""Where a part answers /metrics, /live and /ready, announced in `data_dir/run`, so that `streamproc status`
and a Prometheus on the same machine find every part.
"""

import atexit
import hmac
import ipaddress
import json
import os
import threading
from collections.abc import Iterable
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, make_wsgi_app
from pydantic import SecretStr

from streamproc.errors import ConfigError
from streamproc.locking import only_one

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

FOLDER = "run"  # in data_dir
LOCK = "run.lock"  # beside it
UNREADY = "503 Service Unavailable"


def serve(
    registry: CollectorRegistry,
    host: str,
    port: int,
    data_dir: Path,
    part: str,
    token: SecretStr | None = None,
    page: str = "",
) -> int:
    """Answer from a thread of its own and announce it as `part`; returns the port (0 takes a free one).

    /metrics asks for the `token` where there is one; /live and /ready, for probes, do not. The figures tell
    how a business does: raises ConfigError where `host` is not loopback and there is no token, or the port is
    taken.
    """
    if not (token or is_loopback(host)):
        raise ConfigError(
            f"metrics.host is {host}, which other machines can reach, and there is no token",
            "Set STREAMPROC_METRICS__TOKEN (or ..._FILE), or use 127.0.0.1",
        )
    try:
        server = make_server(host, port, _app(registry, token), _ThreadingServer, _SilentHandler)
    except OSError as error:
        raise ConfigError(
            f"/metrics cannot be served on {host}:{port}: {error.strerror}",
            f"Set metrics.{part}_port to a free port, or to 0",
        ) from None
    threading.Thread(target=server.serve_forever, daemon=True).start()
    actual: int = server.server_port
    announce(data_dir, part, f"http://{host}:{actual}/metrics", page)
    return actual


def _app(registry: CollectorRegistry, token: SecretStr | None) -> "WSGIApplication":
    metrics = make_wsgi_app(registry)
    expected = f"Bearer {token.get_secret_value()}".encode() if token else None

    def answer(environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        path = environ.get("PATH_INFO")
        if path == "/live":
            return _say(start, "200 OK", "live")
        if path == "/ready":
            ready = registry.get_sample_value("streamproc_ready")
            return _say(start, "200 OK", "ready") if ready else _say(start, UNREADY, "starting")
        given = environ.get("HTTP_AUTHORIZATION", "").encode("latin-1")
        if expected is not None and not hmac.compare_digest(given, expected):
            return _say(start, "401 Unauthorized", "Send the token as `Authorization: Bearer TOKEN`")
        answered: Iterable[bytes] = metrics(environ, start)
        return answered

    return answer


def _say(start: "StartResponse", status: str, text: str) -> list[bytes]:
    headers = [("Content-Type", "text/plain; charset=utf-8")]
    start(status, [*headers, ("WWW-Authenticate", "Bearer")] if status.startswith("401") else headers)
    return [text.encode() + b"\n"]


class _ThreadingServer(ThreadingMixIn, WSGIServer):
    """A slow reader holds nobody up."""

    daemon_threads = True


class _SilentHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Nothing: probes ask every few seconds."""


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
    entry = {"pid": os.getpid(), "metrics": address} | ({"page": page} if page else {})
    with only_one(data_dir / LOCK):  # two that start together would take the same name
        file = folder / f"{part}.json"
        if _owner(file) not in (None, os.getpid()):
            file = folder / f"{part}-{os.getpid()}.json"
        draft = file.with_suffix(f".{os.getpid()}.new")
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
