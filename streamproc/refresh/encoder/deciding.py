"""Whether a refresh trains an encoder, and in words why not."""

from typing import NamedTuple

from streamproc.encoder_config import EncoderConfig

FEWEST_EVENTS = 2000  # below, the newest slice says too little about when to stop


class Extent(NamedTuple):
    """How much there is to learn from, and what has been learned."""

    events: int  # that an encoder would be trained on
    users: int  # of these events
    items: int  # of these events
    encoded: int  # events that the newest encoder was trained on; 0: there is none
    new: int  # events since


def reason_against(extent: Extent, settings: EncoderConfig) -> str:
    """Why this refresh goes without an encoder; empty if it trains one.

    With `growth` g, the events of all trainings together are at most g / (g - 1) times those of the stream,
    and 1 / (g - 1) times once the history is longer than what is trained on: the cost per event is bounded.
    """
    if settings.enabled == "off":
        return "refresh.encoder.enabled is off"
    if extent.events < FEWEST_EVENTS:
        return f"{extent.events} events are fewer than {FEWEST_EVENTS}"
    if settings.enabled == "auto" and extent.items > settings.max_items:
        return f"{extent.items} items are more than {settings.max_items}"
    per_user = extent.events / max(extent.users, 1)
    if settings.enabled == "auto" and per_user < settings.events_per_user:
        return f"{per_user:.1f} events per user are fewer than {settings.events_per_user:g}"
    wanted = (settings.growth - 1.0) * extent.encoded
    if extent.new < wanted:
        return f"{extent.new} events are new since the last one, which is fewer than {wanted:.0f}"
    return ""
