"""The console as people see it: a real browser, a real pipeline, a simulated shop."""

import os
import signal
import socket

import httpx
import pytest

from streamproc.scrape import page as address_of
from streamproc.scrape import scrape
from streamproc.server.console.words import UNKNOWN
from tests.browser import MISSING, Watched, browser, chromium
from tests.integration.supervised import Supervised, wait_until

pytestmark = [pytest.mark.kafka, pytest.mark.skipif(chromium() is None, reason=MISSING)]

PATHS = {  # page -> what has to be on it once there are figures
    "/": ("What runs", "worker ready", "Learning pays", "fusion", "an earlier generation serves again"),
    "/users": ("Newest slate", "because", "Gate:", "Try it"),
    "/items": ("Goes with", "Most popular now", "Exposure"),
    "/model": ("Learned to", "Weights", "Intra-list distance", "in shadow", "its manifest"),
    "/data": ("Accepted", "Nothing was set aside"),
    "/system": ("Workers and their partitions", "held for", "Memory against its bounds", "1,000,000"),
}
SETTINGS = {  # the first generation stays in shadow, and there are soon snapshots
    "refresh": {"shadow_events": 10**6, "encoder": {"enabled": "off"}},
    "snapshots": {"interval": 2.0},
}
LEARNED = 1500  # events, after which every page has something to show
SECONDS = 30_000  # ms, for one page


@pytest.fixture(scope="module")
def system(tmp_path_factory):
    """All parts, once there is something to show."""
    with Supervised(tmp_path_factory.mktemp("console"), SETTINGS) as system:
        started = system.start("up", "--demo")
        system.wait_ready(started)
        wait_until(
            lambda: (
                scrape(system.data_dir).total("trainer", "prequential_trials_total", model="fusion") > LEARNED
            ),
            "enough events are learned",
        )
        yield system


@pytest.fixture(scope="module")
def console(system):
    """The address of its console."""
    return address_of(system.data_dir)


@pytest.fixture(scope="module")
def chrome():
    with browser() as started:
        yield started


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("path", PATHS)
def test_a_page_shows_live_figures(console, chrome, path, width):
    """Nothing is complained about, nothing asked of other machines, nothing runs out of a narrow screen."""
    watched = Watched(chrome, width)
    watched.page.goto(console + path)
    for text in PATHS[path]:
        watched.page.get_by_text(text).first.wait_for(timeout=SECONDS)

    wide = watched.page.evaluate("document.documentElement.scrollWidth")
    watched.close()
    assert watched.complaints == []
    assert watched.elsewhere == []
    assert wide <= width


def test_dark_is_as_the_system_says(console, chrome):
    """And can be switched."""
    watched = Watched(chrome, scheme="dark")
    watched.page.goto(console)
    watched.page.get_by_text("What runs").wait_for(timeout=SECONDS)
    colour = "getComputedStyle(document.body).backgroundColor"

    dark = watched.page.evaluate(colour)
    watched.page.get_by_label("Light or dark").click()
    watched.page.wait_for_function(f"{colour} != '{dark}'", timeout=SECONDS)
    watched.close()


def test_the_worker_is_named_beside_each_of_its_partitions(system, console, chrome):
    """With its lag, its rebalances, and for how long it has served them."""
    name = f"worker-{socket.gethostname()}-{system.pid_of('worker')}"
    watched = Watched(chrome)
    watched.page.goto(console + "/system")
    watched.page.get_by_role("cell", name=name).first.wait_for(timeout=SECONDS)

    rows = [row.get_by_role("cell").all_inner_texts() for row in watched.page.get_by_role("row").all()]
    watched.close()

    held = [row for row in rows if name in row]
    assert [row[:2] for row in held] == [[str(number), name] for number in range(4)]
    assert all(UNKNOWN not in row for row in held)
    assert watched.complaints == []


def test_the_keyboard_reaches_every_page(console, chrome):
    """Tab goes from name to name, Enter opens."""
    watched = Watched(chrome)
    watched.page.goto(console)
    watched.page.get_by_text("What runs").wait_for(timeout=SECONDS)

    reached = []
    for _ in range(len(PATHS)):
        watched.page.keyboard.press("Tab")
        reached.append(watched.page.evaluate("document.activeElement.getAttribute('href')"))
    assert reached == list(PATHS)

    watched.page.keyboard.press("Enter")
    watched.page.get_by_text("Memory against its bounds").wait_for(timeout=SECONDS)
    watched.close()


def test_an_item_that_is_tried_moves_the_slate(console, chrome):
    """The answer to `what if` comes without an event."""
    watched = Watched(chrome)
    watched.page.goto(console + "/users")
    watched.page.get_by_text("Gate:").wait_for(timeout=SECONDS)
    watched.page.get_by_text("Click an item above").wait_for(timeout=SECONDS)

    watched.page.get_by_role("button").filter(has_text="add").first.click()

    watched.page.get_by_text("was", exact=True).first.wait_for(timeout=SECONDS)
    watched.close()
    assert watched.complaints == []


def order(page, button, number, typed):
    """What is pressed, asked and typed; the dialog stays where that is wrong."""
    page.get_by_role("button", name=button).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label(f"Type {number} to confirm").fill(typed)
    dialog.get_by_role("button", name=button.split(" to ")[0]).click()
    return dialog


def test_a_generation_is_promoted_and_rolled_back_through_the_page(console, chrome):
    """A slip is refused. An order is in the journal at once; the page says when the trainer has obeyed."""
    watched = Watched(chrome)
    page = watched.page
    page.goto(console + "/model")
    page.get_by_text("in shadow", exact=True).wait_for(timeout=SECONDS)

    dialog = order(page, "Promote", 1, typed="7")
    dialog.get_by_text("That is not 1").wait_for(timeout=SECONDS)
    dialog.get_by_label("Type 1 to confirm").fill("1")
    dialog.get_by_label("Type 1 to confirm").press("Enter")
    page.get_by_text("Done. Generation 1 is promoted").wait_for(timeout=SECONDS)
    page.get_by_text("serves, by order of the console at 127.0.0.1").wait_for(timeout=SECONDS)

    order(page, "Roll back to 0", 0, typed="0")
    page.get_by_text("Done. Generation 2, the model without one, serves").wait_for(timeout=SECONDS)
    page.get_by_role("button", name="Roll back to 1").wait_for(timeout=SECONDS)
    page.get_by_text("Verify all").click()
    page.get_by_text("every byte", exact=True).first.wait_for(timeout=SECONDS)
    served = httpx.get(console + "/v1/model").json()["generation"]
    watched.close()

    assert served == 2
    assert watched.complaints == []


def first_drawn(page):
    """Time of the first point of the first chart, in ms since 1970; None where there is none yet."""
    return page.evaluate(
        """() => {
            const id = document.querySelector("[_echarts_instance_]")?.closest("[id^=c]")?.id.slice(1);
            return id && getElement(Number(id)).options.series[0]?.data?.[0]?.[0] || null;
        }"""
    )


def test_curves_go_on_when_the_server_was_killed(system, chrome):
    """It is started again, at another address: the last test of these. What was drawn is drawn again."""
    began = []
    for restarted in (False, True):
        if restarted:
            killed = system.pid_of("server")
            os.kill(killed, signal.SIGKILL)
            wait_until(lambda old=killed: system.pid_of("server") not in (old, None), "it is started again")
            wait_until(lambda: scrape(system.data_dir).highest("server", "ready"), "it is ready")
        watched = Watched(chrome)
        watched.page.goto(address_of(system.data_dir))
        watched.page.get_by_text("What runs").wait_for(timeout=SECONDS)
        wait_until(lambda page=watched.page: first_drawn(page), "a curve is drawn")
        began.append(first_drawn(watched.page))
        watched.close()

    assert began[0] == began[1]
