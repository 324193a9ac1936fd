"""One user: window, slate, why, and what another event would change."""

from typing import Any

from nicegui import ui

from streamproc.contracts.slates import Slate, decode_slate
from streamproc.errors import StreamprocError
from streamproc.server.console import frame
from streamproc.server.console.timeline import Entry, entries
from streamproc.server.console.words import moment, named, share
from streamproc.server.recommending import told
from streamproc.server.sampling import History
from streamproc.server.state import ServerState

LATEST = 60  # users to choose from
SHOWN = 20
ASKED = ["rank", "item", "source", "because"]
FAMILIES = (("short_term", "#2563eb"), ("long_term", "#9b5de5"), ("popularity", "#e0852b"))
NO_WINDOW = "No window is known: the user has no event, or it is not published yet."
NOBODY = "Nobody has a slate yet: send events, for example with `streamproc simulate`."


class UserPage:
    """What is chosen on one open page."""

    def __init__(self, state: ServerState) -> None:
        self._state = state
        self._user = next(iter(state.slates.latest(1)), "")
        self._window: list[Entry] = []
        self._added: list[str] = []
        self._seen: tuple[str, bytes | None, int] = ("", None, 0)

    def build(self) -> None:
        """The page's contents."""
        with frame.card("Whom to look at"), ui.row().classes("items-center gap-3 w-full"):
            self._choice = ui.select(
                self._latest(), value=self._user or None, label="User", with_input=True,
                new_value_mode="add-unique", on_change=lambda event: self._choose(event.value),
            ).classes("min-w-64").props("outlined dense")  # fmt: skip
            ui.button("Latest users", on_click=self._again).props("flat dense no-caps")
            self._told = ui.label("").classes("about")
        with ui.element("div").classes("halves w-full"):
            with frame.card("Window"):
                self._timeline = frame.table(["when (UTC)", "what", "item"], [], NO_WINDOW)
            with frame.card("Newest slate"):
                self._gate = ui.html("", sanitize=False).classes("w-full")
                self._slate = frame.table(ASKED, [], NOBODY)
            with ui.element("div").classes("stack"):
                with frame.card("Try it"):
                    self._offer = ui.row().classes("gap-1")
                    self._tried = frame.table(["rank", "item", "was", "because"], [], NOBODY)
                with frame.card("Why"):
                    self._ask = ui.input("Item id").props("outlined dense").classes("w-full")
                    self._ask.on("keydown.enter", self._why)
                    ui.button("Ask", on_click=self._why).props("no-caps unelevated padding='4px 16px'")
                    self._answer = ui.html("", sanitize=False).classes("w-full")
            with ui.element("div").classes("stack"), frame.card("Before the last event"):
                self._before = frame.table(["rank", "item", "now", "because"], [], NO_WINDOW)
        frame.live(self._look)

    def _latest(self) -> list[str]:
        return self._state.slates.latest(LATEST)

    async def _again(self) -> None:
        self._choice.set_options(self._latest())

    async def _choose(self, user: str | None) -> None:
        self._user, self._added = user or "", []
        await self._look()

    async def _look(self) -> None:
        """Only where something is new."""
        if not self._user:
            self._user = next(iter(self._latest()), "")
            if self._user:
                self._choice.set_options(self._latest(), value=self._user)
        kept = self._state.slates.get(self._user)
        windows = self._state.states.windows(self._user)
        seen = (self._user, kept.value if kept else None, int(windows.arrays.newest[0]) if windows else 0)
        if seen == self._seen:
            return
        self._seen = seen
        self._window = await self._state.run(entries, self._state, windows) if windows else []
        self._told.set_text("" if kept else "A stranger: the slate is what is popular")
        self._timeline.set_content(_timeline(self._window, self._state.clock.now_ms()))
        self._ask.set_autocomplete([entry.item_id for entry in self._window if entry.item_id])
        await self._show(decode_slate(kept.value) if kept else None)

    async def _show(self, slate: Slate | None) -> None:
        if not self._state.view.knows_items:
            return
        shown = slate or await self._state.cold()
        self._gate.set_content(_gate(shown))
        self._slate.set_content(frame.rows(ASKED, _items(shown), NOBODY))
        self._offers(shown)
        await self._compare()

    def _offers(self, slate: Slate) -> None:
        self._offer.clear()
        with self._offer:
            for item in slate.items[:8]:
                ui.button(
                    item.item_id, icon="add", on_click=lambda _, name=item.item_id: self._add(name)
                ).props(frame.BUTTON)
            ui.button("Back", on_click=lambda _: self._add(None)).props("dense flat no-caps size=12px")

    async def _add(self, item: str | None) -> None:
        self._added = [*self._added, item] if item else []
        await self._compare()

    async def _compare(self) -> None:
        """The slate now against one event less, and against the items tried."""
        liked = [entry.item_id for entry in reversed(self._window) if entry.item_id and not entry.disliked]
        now = await self._ranked(liked)
        self._before.set_content(frame.rows(
            ["rank", "item", "now", "because"], _moves(await self._ranked(liked[:-1]), now), "No event yet.",
        ))  # fmt: skip
        empty = "Click an item above: it is added to the window as if it had just happened."
        moved = _moves(await self._ranked(liked + self._added), now) if self._added else []
        self._tried.set_content(frame.rows(["rank", "item", "was", "because"], moved, empty))

    async def _ranked(self, items: list[str]) -> Slate:
        windows = await self._state.run(self._state.asker.made_up, items) if items else None
        return await self._state.rank(self._user, windows)

    async def _why(self) -> None:
        item = str(self._ask.value or "").strip()
        if not item:
            return
        windows = self._state.states.windows(self._user)
        try:
            asked = await self._state.run(self._state.asker.inquire, windows, item)
        except StreamprocError as error:
            self._answer.set_content(frame.rows([], [], str(error)))
            return
        if asked is None:
            self._answer.set_content(frame.rows([], [], f"The model does not know {item}: no event had it."))
            return
        self._answer.set_content(_reasons(told(self._state, *asked)))


def build(state: ServerState, _: History) -> None:
    """The page's contents."""
    UserPage(state).build()


def _timeline(window: list[Entry], now_ms: int) -> str:
    found = [[moment(1000 * entry.at, now_ms), _what(entry), _which(entry)] for entry in window[:SHOWN]]
    return frame.rows(["when (UTC)", "what", "item"], found, NO_WINDOW)


def _what(entry: Entry) -> str:
    return entry.kind + (" (disliked)" if entry.disliked else "")


def _which(entry: Entry) -> str:
    name = entry.item_id or "an item that the model does not know"
    return name + (" · new session" if entry.begins_session else "")


def _gate(slate: Slate) -> str:
    parts = "".join(
        f'<div style="width:{100 * getattr(slate.gate, name):.1f}%;background:{colour}"></div>'
        for name, colour in FAMILIES
    )
    words = " · ".join(f"{named(name)} {share(getattr(slate.gate, name))}" for name, _ in FAMILIES)
    return f'<div class="gate">{parts}</div><div class="about" style="margin-top:4px">Gate: {words}</div>'


def _items(slate: Slate) -> list[list[str]]:
    return [
        [str(item.rank), item.item_id, named(item.source), " and ".join(item.because)]
        for item in slate.items[:SHOWN]
    ]


def _moves(slate: Slate, other: Slate) -> list[list[str]]:
    places = {item.item_id: item.rank for item in other.items}
    return [
        [str(item.rank), item.item_id, str(places.get(item.item_id, "not on it")), " and ".join(item.because)]
        for item in slate.items[:10]
    ]


def _reasons(answer: dict[str, Any]) -> str:
    place = f"Place {answer['rank']}. " if answer["rank"] else ""
    found = [[named(head), f"{part:+.3f}"] for head, part in answer["parts"].items()]
    because = f" Because of {' and '.join(answer['because'])}." if answer["because"] else ""
    sentence = f'<div class="about">{place}{answer["reason"]}.{because}</div>'
    return sentence + frame.rows(["head", "gives, in score"], found, "No head says anything about it.")
