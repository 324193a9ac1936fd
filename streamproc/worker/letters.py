"""Dead letters: records that are no events, on their way to `events.dlq`."""

import asyncio
import os
import socket
from collections.abc import Sequence
from typing import Any, NamedTuple

from streamproc.config import Config
from streamproc.contracts import deadletters
from streamproc.contracts.deadletters import Headers, Reject, Source
from streamproc.contracts.topics import topics
from streamproc.kafka import clients
from streamproc.kafka.lease import Partition, Record
from streamproc.logs import get_logger

logger = get_logger(__name__)

MAX_KEY_BYTES = 64 * 1024
MAX_HEADER_BYTES = 64 * 1024  # of the original headers together
WORKER = f"{socket.gethostname()}-{os.getpid()}"


class Letter(NamedTuple):
    """One record as it is set aside."""

    key: bytes | None
    value: bytes | None
    headers: Headers


def letter(record: Record, reject: Reject, tp: Partition, application: str) -> Letter:
    """The original bytes, with who refused them and why; only what no topic would take is cut."""
    value, cut = deadletters.body(record.value)
    kept = list(record.headers)
    if sum(len(name) + len(text or b"") for name, text in kept) > MAX_HEADER_BYTES:
        kept, cut = [], [*cut, ("streamproc.headers_dropped", str(len(kept)).encode())]
    source = Source(tp.topic, tp.partition, record.offset, application, WORKER)
    key = record.key[:MAX_KEY_BYTES] if record.key else record.key
    return Letter(key, value, deadletters.headers(source, reject.reason, reject.message, kept) + cut)


class LetterBox:
    """Sends dead letters, through a producer that is there from the first one on."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._topic = topics(config).dead_letters.name
        self._application = f"{config.kafka.prefix}worker"
        self._producer: Any = None
        self._told: set[str] = set()  # reasons

    async def send(self, records: Sequence[Record], rejects: Sequence[Reject], tp: Partition) -> None:
        """Return when all of them have arrived. Raises what kept one from arriving."""
        self._tell(records, rejects, tp)
        letters = [letter(records[reject.index], reject, tp, self._application) for reject in rejects]
        if letters:
            await asyncio.gather(*await self._send(await self._open(), letters))

    def _tell(self, records: Sequence[Record], rejects: Sequence[Reject], tp: Partition) -> None:
        """Only the first of each reason: `streamproc dlq list` has them all."""
        for reject in rejects:
            if reject.reason not in self._told:
                self._told.add(reject.reason)
                first = records[reject.index]
                user = {"user_id": first.key.decode("utf-8", "replace")} if first.key else {}
                where = {**tp._asdict(), "offset": first.offset}
                logger.warning("events of a kind are set aside", reason=reject.reason, **where, **user)

    async def close(self) -> None:
        if self._producer is not None:
            await clients.close(self._producer)

    async def _open(self) -> Any:
        if self._producer is None:
            self._producer = clients.new_producer(self._config)
            await self._producer.start()
        return self._producer

    async def _send(self, producer: Any, letters: Sequence[Letter]) -> "list[asyncio.Future[Any]]":
        answers, batch = [], producer.create_batch()
        for key, value, headers in letters:
            if batch.append(key=key, value=value, timestamp=None, headers=headers) is None:  # full
                answers.append(await producer.send_batch(batch, self._topic, partition=0))
                batch = producer.create_batch()
                batch.append(key=key, value=value, timestamp=None, headers=headers)
        answers.append(await producer.send_batch(batch, self._topic, partition=0))
        return answers
