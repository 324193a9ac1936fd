"""One item: what goes with it, how popular it is, and where it is shown."""

from typing import Any, NamedTuple

import numpy as np
from nicegui import ui

from streamproc.contracts.slates import decode_slate
from streamproc.server.console import curves, frame
from streamproc.server.console.words import named, short
from streamproc.server.items import around
from streamproc.server.sampling import History
from streamproc.server.state import ServerState

SHOWN = 15  # neighbours
LOOKED_AT = 500  # newest slates
NEIGHBOURS = ["item", "score", "heads"]
NONE = "The model knows no items yet: send events, for example with `streamproc simulate`."


class ItemPage:
    """What is chosen on one open page."""

    def __init__(self, state: ServerState) -> None:
        self._state = state
        self._item = ""

    def build(self) -> None:
        """The page's contents."""
        with frame.card("Which item"), ui.row().classes("items-center gap-3"):
            self._choice = (
                ui.input("Item id", on_change=lambda event: self._choose(event.value))
                .props("outlined dense debounce=400")
                .classes("min-w-64")
            )
            self._told = ui.label("").classes("about")
        with ui.element("div").classes("halves w-full"):
            with ui.element("div").classes("stack"):
                with frame.card("Goes with"):
                    self._neighbours = frame.table(NEIGHBOURS, [], NONE)
            with ui.element("div").classes("stack"):
                with frame.card("How popular"):
                    self._popularity = frame.chart(200)
                with frame.card("Exposure"):
                    self._exposure = frame.chart(220)
                    self._share = ui.label("").classes("about")
        with frame.card("Most popular now"):
            self._top = frame.table(["item", "weight"], [], NONE)
        frame.live(self._look)

    def _choose(self, item: str | None) -> None:
        self._item = (item or "").strip()

    async def _look(self) -> None:
        top, found, counts = await self._state.run(_seen, self._state, self._item)
        self._top.set_content(frame.rows(["item", "weight"], [[n, short(w)] for n, w in top], NONE))
        if not self._item and top:
            self._item = top[0][0]
            self._choice.set_value(self._item)
            self._choice.set_autocomplete([name for name, _ in top])
        unknown = bool(self._item) and found is None
        self._told.set_text("The model does not know this item" if unknown else "")
        if found is not None:
            self._show(found, counts)

    def _show(self, found: list[dict[str, Any]], counts: list[float]) -> None:
        rows = [
            [str(each["item_id"]), f"{each['score']:.3f}", ", ".join(map(named, each["parts"]))]
            for each in found
        ]
        self._neighbours.set_content(frame.rows(NEIGHBOURS, rows, "Nothing was seen beside it yet."))
        lives = self._state.config.heads.popularity.half_lives
        names = [f"half-life {life:,.0f}" for life in lives]
        frame.show(self._popularity, curves.bars(names, counts, "weight"))
        self._expose()

    def _expose(self) -> None:
        users = self._state.slates.latest(LOOKED_AT)
        places = np.zeros(self._state.config.publish.slate_size, np.int64)
        for user in users:
            kept = self._state.slates.get(user)
            for item in decode_slate(kept.value).items if kept else ():
                if item.item_id == self._item and item.rank <= places.size:
                    places[item.rank - 1] += 1
        frame.show(
            self._exposure, curves.bars([str(p + 1) for p in range(places.size)], places.tolist(), "slates")
        )
        total = max(len(users), 1)
        self._share.set_text(
            f"On {places.sum()} of the {len(users)} newest slates, {100 * places.sum() / total:.1f} %"
        )


def build(state: ServerState, _: History) -> None:
    """The page's contents."""
    ItemPage(state).build()


class _Seen(NamedTuple):
    """One look at the model, between two syncs: afterwards a row may be another item's."""

    top: list[tuple[str, float]]
    around: list[dict[str, Any]] | None  # None: the model does not know the item
    counts: list[float]  # at each half-life


def _seen(state: ServerState, item: str) -> _Seen:
    row = state.asker.row(item) if item else -1
    if row < 0:
        return _Seen(_most_popular(state), None, [])
    counts = [round(float(count), 2) for count in state.view.model.popularity.counts[row]]
    return _Seen(_most_popular(state), around(state, item, SHOWN), counts)


def _most_popular(state: ServerState, most: int = 12) -> list[tuple[str, float]]:
    if not state.view.knows_items:
        return []
    counts = state.view.model.popularity.counts[:, 1]
    rows = np.argsort(-counts)[:most]
    return [
        (name, float(counts[row]))
        for name, row in zip(state.asker.names(rows.tolist()), rows, strict=True)
        if name and counts[row] > 0
    ]
