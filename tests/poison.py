"""Records that are no events, each wrong in a way of its own: (reason, bytes)."""

import gzip

import msgspec
import zstandard

MORNING = 1_700_000_000_000  # ms
YEAR_2100 = 4_102_444_800_000  # ms


def spoiled(**changes):
    """A good event but for these fields; None takes a field away."""
    event = {"type": "click", "user_id": "u", "item_id": "i", "ts": MORNING} | changes
    return msgspec.json.encode({name: value for name, value in event.items() if value is not None})


def valued(text):
    """With a value that an encoder would not write."""
    return spoiled(value=1.5).replace(b"1.5", text)


DEEP = 10_000

POISON = [
    ("not_json", None),
    ("not_json", b""),
    ("not_json", b" "),
    ("not_json", b"\x00"),
    ("not_json", b"\x00" * 500),
    ("not_json", b"click"),
    ("not_json", b"{"),
    ("not_json", spoiled()[:-1]),
    ("not_json", spoiled()[: len(spoiled()) // 2]),
    ("not_json", spoiled() + b"}"),
    ("not_json", spoiled() * 2),
    ("not_json", spoiled().replace(b'"', b"'")),
    ("not_json", spoiled().replace(b":", b"=")),
    ("not_json", b"\x1b[2J\x1b[31m"),
    ("wrong_type", b"[" * DEEP),
    ("not_json", b'{"context":' * DEEP),
    ("not_json", valued(b"01")),
    ("not_json", valued(b"0x10")),
    ("not_json", valued(b"+1")),
    ("not_json", b"\xef\xbb\xbf" + spoiled()),
    ("invalid_utf8", b"\xff" * 300),
    ("invalid_utf8", b"\xff\xfe" + spoiled().decode().encode("utf-16-le")),
    ("invalid_utf8", spoiled(item_id="tea").replace(b"tea", b"\xff\xfe")),
    ("invalid_utf8", spoiled(item_id="tea").replace(b"tea", b"\xed\xa0\x80")),
    ("invalid_utf8", spoiled(item_id="tea").replace(b"tea", b"\xc0\xaf")),
    ("invalid_utf8", gzip.compress(spoiled(), mtime=0)),
    ("invalid_utf8", zstandard.ZstdCompressor().compress(spoiled() * 50)),
    ("wrong_type", b"[]"),
    ("wrong_type", b"null"),
    ("wrong_type", b"17"),
    ("wrong_type", b'"click"'),
    ("wrong_type", b"[" + spoiled() + b"]"),
    ("wrong_type", spoiled(item_id=5)),
    ("wrong_type", spoiled(user_id=["u"])),
    ("wrong_type", spoiled().replace(b'"u"', b"null")),
    ("wrong_type", spoiled(type={"click": 1})),
    ("wrong_type", spoiled(value="much")),
    ("wrong_type", spoiled(context=[1])),
    ("wrong_type", spoiled(position=1.5)),
    ("missing_field", b"{}"),
    ("missing_field", spoiled(item_id=None)),
    ("missing_field", spoiled(type="rating")),
    ("bad_id", spoiled(user_id="")),
    ("bad_id", spoiled(item_id="i" * 257)),
    ("bad_id", spoiled(item_id="a\nb")),
    ("bad_id", spoiled(user_id="a\x00b")),
    ("bad_id", spoiled(event_id="\x7f")),
    ("bad_value", valued(b"NaN")),
    ("bad_value", valued(b"-Infinity")),
    ("bad_value", valued(b"1e400")),
    ("bad_value", valued(b"1e39")),
    ("bad_value", spoiled(ts="yesterday")),
    ("bad_value", spoiled(ts="2024-01-01T00:00:00")),
    ("bad_value", spoiled(ts=-1)),
    ("bad_value", spoiled(ts=2**54)),
    ("future_time", spoiled(ts=YEAR_2100)),
    ("unknown_version", spoiled(v=2)),
    ("unknown_type", spoiled(type="stare")),
    ("unknown_type", spoiled(type="")),
    ("unknown_type", spoiled(type="x" * 5000)),
    ("too_large", spoiled(context={"text": "x" * 1_000_000})),
    ("too_large", spoiled(context={"text": "x" * 3_000_000})),
]
