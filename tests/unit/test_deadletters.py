"""How rejected records travel to the dead-letter topic."""

import hashlib

from streamproc.contracts.deadletters import Source, body, headers

SOURCE = Source("shop.events", 3, 17, "shop-worker", "worker-1")


def test_a_dead_letter_says_what_it_was_and_why():
    """The original headers stay first; Kafka Connect's names and the reason follow."""
    written = dict(headers(SOURCE, "bad_id", "an id\nis bad", [("trace", b"\x01")]))

    assert written["trace"] == b"\x01"
    assert written["__connect.errors.topic"] == b"shop.events"
    assert written["__connect.errors.partition"] == b"3"
    assert written["__connect.errors.offset"] == b"17"
    assert written["__connect.errors.exception.message"] == b"an id is bad"
    assert written["streamproc.reason"] == b"bad_id"


def test_a_long_message_is_cut_between_characters():
    """At most 1 KiB, and still UTF-8."""
    message = dict(headers(SOURCE, "bad_value", "\u20ac" * 1000))["__connect.errors.exception.message"]

    assert message.decode() == "\u20ac" * 341


def test_a_body_that_fits_is_kept_as_it_was():
    """Original bytes, no header about them; a record without a body stays without."""
    assert body(b"\xff\x00") == (b"\xff\x00", [])
    assert body(b"x" * 900_000) == (b"x" * 900_000, [])
    assert body(None) == (None, [])


def test_a_body_that_does_not_fit_is_cut_and_says_so():
    """The first 64 KiB, with length and digest of the whole."""
    whole = b"ab" * 1_000_000

    kept, added = body(whole)

    assert kept == whole[:65_536]
    assert dict(added) == {
        "streamproc.truncated": b"65536",
        "streamproc.length": b"2000000",
        "streamproc.sha256": hashlib.sha256(whole).hexdigest().encode(),
    }
