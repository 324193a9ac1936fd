"""Records onto the journal's end, in their order."""

import asyncio
from typing import Any

from aiokafka.errors import KafkaError

from streamproc.config import Config
from streamproc.contracts.journal import CHUNK
from streamproc.contracts.topics import topics
from streamproc.errors import KafkaUnavailable
from streamproc.kafka.clients import close, new_producer

HAND_OVER = 120.0  # seconds to write a generation


async def append_all(config: Config, records: list[bytes]) -> int:
    """Append to the journal: chunks first, and a control record only once all before it are safe.

    Returns the offset of the last one. Raises KafkaUnavailable where the journal does not take them.
    """
    producer = new_producer(config)
    chunks = [record for record in records if record[0] == CHUNK]
    last = -1
    try:
        async with asyncio.timeout(HAND_OVER):
            await producer.start()
            await _append(producer, config, chunks)
            for record in records[len(chunks) :]:
                [last] = await _append(producer, config, [record])
    except (KafkaError, TimeoutError) as error:
        raise KafkaUnavailable(config.kafka.bootstrap_servers, HAND_OVER, str(error)) from error
    finally:
        await close(producer)
    return last


async def _append(producer: Any, config: Config, records: list[bytes]) -> list[int]:
    journal = topics(config).journal.name
    answers = [await producer.send(journal, record, partition=0) for record in records]
    return [written.offset for written in await asyncio.gather(*answers)]
