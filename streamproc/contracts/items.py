"""What is known about an item beside its events: the topic `items`, key = item id; optional."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from streamproc.contracts.ids import MAX_ID_CHARACTERS

Id = Annotated[str, Meta(min_length=1, max_length=MAX_ID_CHARACTERS)]


class Item(msgspec.Struct, frozen=True, omit_defaults=True):
    """One item of the catalogue; unknown fields are ignored."""

    item_id: Id
    v: Literal[1] = 1
    title: str = ""
    categories: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    available: bool = True  # else it is left out of answers over HTTP


decode_item = msgspec.json.Decoder(Item).decode
encode_item = msgspec.json.Encoder().encode
