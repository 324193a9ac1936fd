"""The question before an order: what will happen, and what to type."""

from collections.abc import Awaitable, Callable

from nicegui import ui

from streamproc.errors import StreamprocError
from streamproc.server.confirming import Confirming

Act = Callable[[str], Awaitable[None]]  # takes who wants it; StreamprocError says what stands against it


def ask(confirming: Confirming, title: str, sentence: str, number: int, act: Act) -> None:
    """Open a dialog; `act` is called once what was typed is right."""
    address = ui.context.client.ip
    with ui.dialog() as dialog, ui.card().classes("card gap-3").style("max-width:460px"):
        ui.label(title).classes("heading")
        ui.label(sentence)
        typed = ui.input(confirming.asked(number), password=confirming.needs_token)
        typed.props("outlined dense autofocus autocomplete=off").classes("w-full")
        said = ui.label("").classes("bad").props('role="alert"')

        async def confirm() -> None:
            if refused := confirming.refusal(str(typed.value or ""), number, address):
                said.set_text(refused)
                return
            give.disable()
            said.set_text("")
            try:
                await act(f"the console at {address}")
            except StreamprocError as error:
                said.set_text(str(error))
                give.enable()
            else:
                dialog.close()

        typed.on("keydown.enter", confirm)
        with ui.row().classes("w-full justify-end gap-2"):
            ui.button("Cancel", on_click=dialog.close).props("flat no-caps")
            give = ui.button(title, on_click=confirm).props("unelevated no-caps color=primary")
    dialog.on("hide", dialog.delete)
    dialog.open()
