"""`make screenshots`: pictures of the console with a simulated shop, for the README."""

import tempfile
from pathlib import Path

from streamproc.scrape import page as address_of
from streamproc.scrape import scrape
from tests.browser import MISSING, Watched, browser, chromium
from tests.integration.supervised import Supervised, wait_until

FOLDER = Path(__file__).parents[1] / "docs" / "screenshots"
LEARNED = 20_000  # events, so that the curves have something to tell
SETTINGS = {"refresh": {"events": 4000, "margin": 0.02, "encoder": {"enabled": "off"}}}  # several generations
SECONDS = 30_000  # ms, for one page
PICTURES = (
    ("overview", "/", "What runs", 1280, "light"),
    ("overview-dark", "/", "What runs", 1280, "dark"),
    ("overview-narrow", "/", "What runs", 390, "light"),
    ("users", "/users", "Gate:", 1280, "light"),
    ("model", "/model", "Weights", 1280, "dark"),
)


def main() -> None:
    """Takes about two minutes."""
    if chromium() is None:
        raise SystemExit(MISSING)
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, Supervised(Path(folder), SETTINGS) as system:
        system.wait_ready(system.start("up", "--demo"))
        wait_until(
            lambda: (
                scrape(system.data_dir).total("trainer", "prequential_trials_total", model="fusion") > LEARNED
            ),
            "enough events are learned",
        )
        with browser() as started:
            for name, path, text, width, scheme in PICTURES:
                watched = Watched(started, width, scheme)
                watched.page.goto((address_of(system.data_dir) or "") + path)
                watched.page.get_by_text(text).first.wait_for(timeout=SECONDS)
                watched.page.wait_for_timeout(3000)  # two looks, so that every curve is drawn
                watched.shoot(FOLDER / f"{name}.png")
                watched.close()
                print(FOLDER / f"{name}.png")


if __name__ == "__main__":
    main()
