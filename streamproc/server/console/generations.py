"""The generations on the model's page: which there are, and what can be ordered about them."""

from functools import partial

from nicegui import ui

from streamproc.errors import StreamprocError
from streamproc.server.confirming import Confirming
from streamproc.server.console import drawing, frame
from streamproc.server.console.asking import ask
from streamproc.server.console.words import UNKNOWN, moment, whole
from streamproc.server.orders import Done, Orders, Standing, Verb
from streamproc.server.sampling import History
from streamproc.server.state import ServerState

COLUMNS = ("generation", "", "state", "what it is", "fitted (UTC)", "up to journal offset")
NO_GENERATION = (
    "No refresh has fitted one yet. `streamproc refresh now` does it at once; it is then tried in shadow."
)
READING = "Reading the journal for its generations…"
EVERY = 5.0  # seconds between two looks at the journal
TITLES: dict[Verb, str] = {"promote": "Promote", "reject": "Reject", "roll back": "Roll back"}
SENTENCES: dict[Verb, str] = {
    "promote": "Generation {0} will serve from now on, without the rest of its trial. The one that serves"
    " now can be brought back.",
    "reject": "Generation {0} will be dropped, without the rest of its trial, and does not come back. What"
    " serves goes on.",
    "roll back": "Generation {0} will serve again, as a copy under a new number. What was learned from events"
    " since stays learned; one that is in shadow gives way.",
}
TO_NONE = (
    "No generation will serve: recommendations go without long-term interests until the next one is promoted."
    " What was learned from events stays learned; one that is in shadow gives way."
)


class GenerationsCard:
    """What one open page shows of them."""

    def __init__(self, state: ServerState, history: History, orders: Orders, confirming: Confirming) -> None:
        self._state = state
        self._history = history
        self._orders = orders
        self._confirming = confirming
        self._shown: list[Standing] | None = None
        self._given: Done | None = None

    def build(self) -> None:
        """The card."""
        with frame.card("Generations"):
            self._trial = ui.label("").classes("about")
            self._said = ui.label("").props('role="status"')
            self._table = ui.element("div").classes("scroll")
            with self._table:
                ui.label(READING).classes("about")
        frame.live(self.look)
        ui.timer(EVERY, self.read)

    def look(self) -> None:
        """How far the trial is, and whether the trainer has obeyed."""
        progress = self._history.newest.highest("trainer", "shadow_progress_ratio")
        shadow = self._history.newest.highest("trainer", "shadow_generation")
        on_trial = (
            f"Generation {shadow:.0f} is {100 * (progress or 0):.0f} % through its trial." if shadow else ""
        )
        self._trial.set_text(on_trial)
        if self._given is not None:
            self._said.set_text(told(self._given, self._state, drawing.health(self._history, "trainer")))

    async def read(self) -> None:
        """What the journal says by now."""
        try:
            found = await self._orders.standings()
        except StreamprocError as error:
            self._put(str(error))
            return
        if found != self._shown:
            self._shown = found
            self._draw(found)

    def _put(self, text: str) -> None:
        self._shown = None
        self._table.clear()
        with self._table:
            ui.label(text).classes("about")

    def _draw(self, found: list[Standing]) -> None:
        if not found:
            self._put(NO_GENERATION)
            self._shown = found
            return
        self._table.clear()
        with self._table, ui.element("table").classes("plain-table wide-table"):
            with ui.element("tr"):
                for column in COLUMNS:
                    with ui.element("th"):
                        ui.label(column)
            for standing in found:
                self._row(standing)

    def _row(self, standing: Standing) -> None:
        when = moment(standing.fitted_at, self._state.clock.now_ms()) if standing.fitted_at else UNKNOWN
        upto = whole(standing.learned_to) if standing.learned_to else UNKNOWN
        with ui.element("tr"):
            self._cell(str(standing.number))
            with ui.element("td"), ui.row().classes("gap-1 no-wrap"):
                for verb in standing.verbs:
                    name = f"Roll back to {standing.number}" if verb == "roll back" else TITLES[verb]
                    ui.button(name, on_click=partial(self._ask, verb, standing.number)).props(frame.BUTTON)
            for text in (standing.state, standing.what, when, upto):
                self._cell(text)

    @staticmethod
    def _cell(text: str) -> None:
        with ui.element("td"):
            ui.label(text)

    def _ask(self, verb: Verb, number: int) -> None:
        sentence = TO_NONE if verb == "roll back" and number == 0 else SENTENCES[verb].format(number)

        async def act(by: str) -> None:
            self._given = await self._orders.give(verb, number, by)
            self.look()
            await self.read()

        ask(self._confirming, TITLES[verb], sentence, number, act)


def told(given: Done, state: ServerState, trainer: str) -> str:
    """What has become of an order: the trainer obeys when it reads it, and the model tells how far it is."""
    if given.offset < 0:
        return f"{given.words} already; nothing was written."
    if state.view.learned_to > given.offset:
        return f"Done. {given.words}, from journal offset {given.offset:,} on."
    written = f"The order is in the journal, at offset {given.offset:,}; the trainer has not read it yet"
    if trainer == "bad":
        return f"{written}, as none answers: start one with `streamproc trainer`, and it will obey."
    return f"{written}: it is at {state.view.learned_to:,}."
