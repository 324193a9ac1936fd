"""Why a record is no event: from the decoder's error to a reason of the closed list."""

import json
import re

import msgspec

from streamproc.contracts.deadletters import Reason

FAILURES = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, TypeError)  # of decoding an event

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
_REASONS: tuple[tuple[str, Reason], ...] = (  # part of msgspec's message -> reason
    ("missing required field", "missing_field"),
    ("of length", "bad_id"),
    ("out of range", "bad_value"),
    ("RFC3339", "bad_value"),
    ("timezone", "bad_value"),
)


class _Version(msgspec.Struct):
    v: int = 1


def has_control_character(text: str) -> bool:
    """Whether the text holds one of U+0000 to U+001F or U+007F to U+009F."""
    return _CONTROL.search(text) is not None


def explain(value: bytes | None, error: Exception) -> tuple[Reason, str]:
    """Reason and message for a record whose decoding raised `error`."""
    if value is None:
        return "not_json", "the record has no value"
    try:
        text = value.decode()
    except UnicodeDecodeError as undecodable:
        return "invalid_utf8", str(undecodable)
    if not isinstance(error, msgspec.ValidationError):
        return _malformed(text, error)
    version = _version(value)
    if version != 1:
        return "unknown_version", f"`v` is {version}; this version reads 1"
    message = str(error)
    return next((reason for part, reason in _REASONS if part in message), "wrong_type"), message


def _version(value: bytes) -> int:
    try:
        return msgspec.json.decode(value, type=_Version).v
    except msgspec.MsgspecError:
        return 1  # something else is wrong, and the error says what


def _malformed(text: str, error: Exception) -> tuple[Reason, str]:
    """Many encoders write NaN and Infinity, which JSON does not have: say that it is the number."""
    constants: list[str] = []
    try:
        json.loads(text, parse_constant=constants.append)
    except (ValueError, RecursionError):
        return "not_json", str(error)
    if constants:
        return "bad_value", f"{constants[0]} is not a number that JSON knows"
    return "not_json", str(error)
