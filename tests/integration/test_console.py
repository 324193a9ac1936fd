"""The console as people see it: a real browser, a real pipeline, a simulated shop."""

import pytest

from streamproc.scrape import page as address_of
from streamproc.scrape import scrape
from tests.browser import MISSING, Watched, browser, chromium
from tests.integration.supervised import Supervised, wait_until

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.skipif(chromium() is None, reason=MISSING),
    pytest.mark.xdist_group("one console"),
]

PATHS = {  # page -> what has to be on it once there are figures
    "/": ("What runs", "worker ready", "Learning pays", "fusion"),
    "/users": ("Newest slate", "because", "Gate:", "Try it"),
    "/items": ("Goes with", "Most popular now", "Exposure"),
    "/model": ("Learned to", "Weights", "Generations"),
    "/data": ("Accepted", "Nothing was set aside"),
    "/system": ("Partitions", "Memory against its bounds", "1,000,000"),
}
LEARNED = 1500  # events, after which every page has something to show
SECONDS = 30_000  # ms, for one page


@pytest.fixture(scope="module")
def console(tmp_path_factory):
    """The address of a console with something to show."""
    with Supervised(tmp_path_factory.mktemp("console")) as system:
        started = system.start("up", "--demo")
        system.wait_ready(started)
        wait_until(
            lambda: (
                scrape(system.data_dir).total("trainer", "prequential_trials_total", model="fusion") > LEARNED
            ),
            "enough events are learned",
        )
        yield address_of(system.data_dir)


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
