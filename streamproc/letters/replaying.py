"""Dead letters fed in again, once a setting or a producer's mistake has been corrected.

A letter keeps its key, its partition and its event id; one that never had an id gets the place where it first
was as its id. So it is the same event however often it is fed in, and counts once.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from aiokafka.errors import KafkaError

from streamproc.config import Config
from streamproc.contracts.events import Decoder
from streamproc.contracts.topics import topics
from streamproc.errors import KafkaUnavailable
from streamproc.kafka.clients import close, new_producer
from streamproc.letters.reading import Letter

AT_ONCE = 500  # letters on their way

_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Sorted(NamedTuple):
    """What can be fed in again, as (letter, body), and how many cannot, by the reason they have now."""

    ready: list[tuple[Letter, bytes]]
    left: dict[str, int]


def sort_out(config: Config, letters: Sequence[Letter], now_ms: int) -> Sorted:
    """Which letters are events under the present settings. `late` ones are judged by the worker: it knows
    the user. The future is judged against `now_ms`: a time that was too far ahead may have come."""
    decoder, ready, left = Decoder(config.events), [], Counter[str]()
    for letter in letters:
        if letter.cut or letter.value is None:
            left[letter.reason] += 1
            continue
        place = np.array([letter.source_offset]), np.array([now_ms])
        _, rejects = decoder.decode([letter.value], *place, letter.partition)
        if rejects:
            left[rejects[0].reason] += 1
        else:
            ready.append((letter, with_event_id(letter)))
    return Sorted(ready, dict(left))


def with_event_id(letter: Letter) -> bytes:
    """The body as it was, but for an event id where it has none."""
    assert letter.value is not None
    fields = _fields.decode(letter.value)
    if fields.get("event_id", msgspec.Raw(b"null")) != msgspec.Raw(b"null"):
        return letter.value
    named = msgspec.json.encode(f"dlq:{letter.partition}:{letter.source_offset}")
    return msgspec.json.encode(fields | {"event_id": msgspec.Raw(named)})


async def replay(config: Config, ready: Sequence[tuple[Letter, bytes]]) -> int:
    """Feed them in, in their order; how many arrived. Raises KafkaUnavailable."""
    producer, name = new_producer(config), topics(config).events.name
    try:
        await producer.start()
        for start in range(0, len(ready), AT_ONCE):
            answers = [
                await producer.send(
                    name, body, letter.key, partition=letter.partition, headers=letter.original_headers
                )
                for letter, body in ready[start : start + AT_ONCE]
            ]
            await asyncio.gather(*answers)
    except KafkaError as error:
        raise KafkaUnavailable(
            config.kafka.bootstrap_servers, config.kafka.request_timeout, str(error)
        ) from error
    finally:
        await close(producer)
    return len(ready)
