"""What every page has: the bar with the pages' names, light and dark, and the cards that numbers are on."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape
from pathlib import Path
from typing import Any

from nicegui import ui

from streamproc.server.console import curves
from streamproc.server.console.about import ABOUT
from streamproc.server.console.words import UNKNOWN

PAGES = (
    ("/", "Overview", "insights"),
    ("/users", "Users", "person_search"),
    ("/items", "Items", "category"),
    ("/model", "Model", "model_training"),
    ("/data", "Data health", "health_and_safety"),
    ("/system", "System", "dns"),
)
IS_DARK = "document.body.classList.contains('body--dark')"
EVERY = 2.0  # seconds between two looks
BUTTON = "dense outline no-caps size=12px padding='1px 8px' color=primary"
STYLE = Path(__file__).with_name("style.css")


@contextmanager
def page(path: str, title: str) -> Iterator[None]:
    """The frame around one page's contents."""
    ui.page_title(f"{title} · streamproc")
    ui.add_css(STYLE)
    dark = ui.dark_mode(None)

    async def switch() -> None:
        dark.set_value(not await ui.run_javascript(IS_DARK))

    ui.add_head_html('<meta name="color-scheme" content="light dark">')
    with ui.header().classes("bar items-center no-wrap px-3 py-2 gap-1"):
        ui.html('<b style="font-size:16px">streamproc</b>', sanitize=False).classes("mr-2 gt-xs")
        with ui.row().classes("items-center gap-0 no-wrap overflow-auto").style("flex:1"):
            for target, name, icon in PAGES:
                with (
                    ui.link(target=target)
                    .classes("here" if target == path else "")
                    .props(f'aria-label="{name}"' + (' aria-current="page"' if target == path else ""))
                ):
                    with ui.row().classes("items-center gap-1 no-wrap"):
                        ui.icon(icon).classes("text-lg")
                        ui.label(name).classes("gt-sm")
        ui.button(icon="contrast", on_click=switch).props(
            'flat round dense aria-label="Light or dark" color=grey'
        ).tooltip("Light or dark; at first as your system is set")
    with ui.column().classes("w-full max-w-7xl mx-auto p-3 md:p-5 gap-4"):
        yield


def live(function: Callable[[], Any]) -> None:
    """Call it now, and then again and again while the page is open."""
    ui.timer(EVERY, function)


def heading(name: str) -> None:
    """A card's title with one line of what is to be seen."""
    ui.label(name).classes("heading")
    ui.label(ABOUT[name]).classes("about")


@contextmanager
def card(name: str) -> Iterator[None]:
    """A card with its heading."""
    with ui.column().classes("card w-full gap-2"):
        heading(name)
        yield


def figure(name: str) -> Callable[..., None]:
    """A card with one number; returns what sets it: (value, unit, tone)."""
    with ui.column().classes("card gap-1"):
        ui.label(name).classes("name")
        with ui.row().classes("items-baseline gap-1"):
            value = ui.label(UNKNOWN).classes("value")
            unit = ui.label("").classes("unit")
        ui.label(ABOUT[name]).classes("about")

    def put(text: str, of: str = "", tone: str = "") -> None:
        value.set_text(text)
        unit.set_text(of)
        value.classes(remove="good warn bad", add=tone)

    return put


def rows(columns: list[str], found: list[list[str]], empty: str, wide: bool = False) -> str:
    """A plain table as HTML; where nothing is found, a sentence on what to do.

    A `wide` one is scrolled on a narrow page, and not squeezed.
    """
    if not found:
        return f'<div class="about">{escape(empty)}</div>'
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in found)
    look = "plain-table wide-table" if wide else "plain-table"
    return f'<div class="scroll"><table class="{look}"><tr>{head}</tr>{body}</table></div>'


def table(columns: list[str], found: list[list[str]], empty: str) -> ui.html:
    """The same as an element, whose content can be set again."""
    return ui.html(rows(columns, found, empty), sanitize=False).classes("w-full")


def show(chart: ui.echart, options: dict[str, Any]) -> None:
    """Draw a chart anew."""
    chart.options.clear()
    chart.options.update(options)
    chart.update()


def chart(height: int) -> ui.echart:
    """A chart with nothing in it yet, `height` pixels high."""
    return ui.echart(curves.empty()).classes("w-full").style(f"height:{height}px")
