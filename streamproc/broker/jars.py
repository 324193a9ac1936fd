"""The jars of the embedded broker: fetched once, checked against pinned checksums, kept in the user's cache.

Every one of the 45 coordinates is pinned, so nothing is left to a resolver: Kafka's own POM leaves out the
logging binding, and mediation between the rest would pick versions that do not start.
"""

import hashlib
import os
import sys
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from streamproc.errors import BrokerFailed
from streamproc.locking import only_one

OWN_KAFKA = "point kafka.bootstrap_servers at a Kafka of your own"
ATTEMPTS = 3  # tries per jar before the start is given up


class Jar(NamedTuple):
    """One pinned artifact of a Maven repository."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def name(self) -> str:
        """File name in a Maven repository."""
        return f"{self.artifact}-{self.version}.jar"

    @property
    def path(self) -> Path:
        """Place below the root of a Maven repository."""
        return Path(*self.group.split("."), self.artifact, self.version, self.name)


def pinned() -> list[Jar]:
    """Every jar the broker needs, in the order of `jars.txt`."""
    lines = files("streamproc.broker").joinpath("jars.txt").read_text("utf-8").splitlines()
    return [Jar(*line.replace(":", " ").split()) for line in lines]


def user_cache_dir() -> Path:
    """The user's cache folder of this program, by the habits of the system."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "streamproc"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "streamproc"


def intact(path: Path, sha256: str) -> bool:
    """Whether the file is there and is byte for byte the pinned one."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == sha256


def fetch(cache_dir: Path | None = None, console: Console | None = None) -> list[Path]:
    """The class path of the broker; downloads what is missing or damaged, and nothing else.

    Safe to call from several processes at once. Raises BrokerFailed where a jar cannot be had, or has
    other bytes than the pinned ones.
    """
    repository = (cache_dir or user_cache_dir()) / "jars"
    repository.mkdir(parents=True, exist_ok=True)
    with only_one(repository / ".lock"):
        missing = [jar for jar in pinned() if not intact(repository / jar.path, jar.sha256)]
        if missing:
            _download(missing, repository, console or Console(stderr=True))
    return [repository / jar.path for jar in pinned()]


def _download(jars: list[Jar], repository: Path, console: Console) -> None:
    console.print(f"Downloading Apache Kafka for the embedded broker: {len(jars)} jars into {repository}")
    columns = BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}")
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("jars", total=len(jars))
        for jar in jars:
            progress.update(task, description=jar.name)
            _download_one(jar, repository)
            progress.advance(task)
        progress.update(task, description="jars")


def _download_one(jar: Jar, repository: Path) -> None:
    problem = "no reason given"
    for _ in range(ATTEMPTS):
        (repository / jar.path).unlink(missing_ok=True)  # a torn download would count as cached
        try:
            _resolve(jar, repository)
        except Exception as error:
            problem = str(error) or type(error).__name__
            continue
        if intact(repository / jar.path, jar.sha256):
            return
        problem = f"its sha256 is not {jar.sha256}"
    (repository / jar.path).unlink(missing_ok=True)
    raise BrokerFailed(
        f"cannot download {jar.group}:{jar.artifact}:{jar.version} for the embedded broker: {problem}",
        f"Check the network and start again, or {OWN_KAFKA}",
    )


def _resolve(jar: Jar, repository: Path) -> None:
    from jgo.config import GlobalSettings  # heavy, and needed once per machine
    from jgo.constants import MAVEN_CENTRAL_URL
    from jgo.maven import MavenContext

    remotes = {"central": MAVEN_CENTRAL_URL, **GlobalSettings.load().repositories}
    context = MavenContext(repo_cache=repository, local_repos=[], remote_repos=remotes)
    context.project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve()
