"""The JSON Schema of events, for producers in any language.

python -m streamproc.contracts.schema > streamproc/contracts/event.schema.json
"""

import json
from typing import Any

import msgspec

from streamproc.contracts.events import Event


def event_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of one event."""
    _, definitions = msgspec.json.schema_components([Event], ref_template="#/$defs/{name}")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **definitions["Event"]}


def event_schema_text() -> str:
    """The text of `event.schema.json`."""
    return json.dumps(event_schema(), indent=2) + "\n"


if __name__ == "__main__":
    print(event_schema_text(), end="")
