"""Where a record goes: the partition that every Kafka client would choose."""

import pytest

from streamproc.kafka.feed import partition_of


@pytest.mark.parametrize(("key", "hashed"), [(b"21", -973932308), (b"foobar", -790332482)])
def test_a_key_has_the_partition_of_the_java_client(key, hashed):
    """The hashes are those of Kafka's own UtilsTest; the sign bit is dropped."""
    assert partition_of(key, 4) == (hashed & 0x7FFFFFFF) % 4
    assert partition_of(key, 10) == (hashed & 0x7FFFFFFF) % 10
