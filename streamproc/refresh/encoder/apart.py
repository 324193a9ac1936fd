"""Training in a process of its own: a crash or a lack of memory there costs a refresh only its encoder."""

import asyncio
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec

from streamproc.contracts.encoder import EncoderArrays
from streamproc.errors import BadRecord, EncoderFailed
from streamproc.refresh.encoder import message
from streamproc.refresh.encoder.message import Progress, Report, Task

Tell = Callable[[Progress], None]

COMMAND = (sys.executable, "-m", "streamproc.refresh.encoder.process")
SLOWEST = 10.0  # times the CPU time that is allowed, on a busy machine
START = 120.0  # seconds to get going
LAST_WORDS = 300  # characters of what a failed process said


class Encoded(NamedTuple):
    """What a training gave."""

    report: Report
    arrays: EncoderArrays | None  # None where the cell is no GRU


async def train_apart(task: Task, tell: Tell = lambda _: None) -> Encoded:
    """Train; raises EncoderFailed where the process ends without weights. Cancelling ends the process."""
    with tempfile.TemporaryDirectory(prefix="streamproc-encoder-") as name:
        folder = Path(name)
        message.write_task(folder, task)
        report = await _run(folder, task.config.seconds * SLOWEST + START, tell)
        try:
            return Encoded(report, message.read_weights(folder, task.item_count))
        except BadRecord as error:
            raise EncoderFailed(f"the encoder cannot be used: {error.message}") from error


async def _run(folder: Path, patience: float, tell: Tell) -> Report:
    with (folder / "errors.txt").open("wb") as errors:
        process = await asyncio.create_subprocess_exec(*COMMAND, str(folder), stdout=PIPE, stderr=errors)
    report = None
    try:
        async with asyncio.timeout(patience):
            report = await _follow(process, tell)
            await process.wait()
    except TimeoutError:
        raise EncoderFailed(f"training the encoder took longer than {patience:g} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0 or report is None:
        raise EncoderFailed(_last_words(process.returncode, folder / "errors.txt"))
    return report


async def _follow(process: Process, tell: Tell) -> Report | None:
    """Pass progress on until the pipe ends; the report, if one came."""
    report = None
    if process.stdout is None:
        return report
    async for line in process.stdout:
        try:
            said = msgspec.json.decode(line, type=Progress | Report)
        except msgspec.MsgspecError as error:
            raise EncoderFailed(
                f"the process that trains the encoder said what is no report: {error}"
            ) from None
        if isinstance(said, Report):
            report = said
        else:
            tell(said)
    return report


def _last_words(code: int | None, errors: Path) -> str:
    said = errors.read_text("utf-8", "replace").strip()[-LAST_WORDS:]
    last = said.splitlines()[-1] if said else "it said nothing"
    ended = f"was ended by signal {-code}" if code is not None and code < 0 else f"ended with code {code}"
    return f"the process that trains the encoder {ended}: {last}"
