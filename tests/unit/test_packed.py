"""A produce request that is written in one go: the bytes are those that aiokafka writes."""

import numpy as np
import pytest
from aiokafka.protocol.produce import ProduceRequest

from streamproc.kafka.packed import write_at_once


class Client:
    """Of a producer, what a request is handed to."""

    def __init__(self):
        self.sent = []

    async def send(self, node, request, **kwargs):
        self.sent.append((node, request, kwargs))
        return "answered"


class Producer:
    """What has a client."""

    def __init__(self):
        self.client = Client()


def produce_request(batches):
    return ProduceRequest(None, -1, 30_000, [("recommendations", batches), ("other", [(0, b"more")])])


@pytest.mark.parametrize("version", [3, 7])
async def test_a_request_has_the_bytes_that_aiokafka_gives_it(version):
    batches = [(number, np.arange(50 * number, dtype=np.uint8).data) for number in range(4)]
    producer = Producer()
    write_at_once(producer)
    assert await producer.client.send(7, produce_request(batches), group=1) == "answered"
    (node, request, kwargs), versions = producer.client.sent[0], {0: (version, version)}
    usual = produce_request([(number, bytes(batch)) for number, batch in batches]).prepare(versions)
    prepared = request.prepare(versions)
    assert (node, kwargs, prepared.API_VERSION) == (7, {"group": 1}, version)
    assert prepared.encode() == usual.encode()


async def test_other_requests_are_left_alone():
    producer = Producer()
    write_at_once(producer)
    await producer.client.send(7, "metadata")
    assert producer.client.sent == [(7, "metadata", {})]
