"""A real Chromium without a window, and what went wrong in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which
from typing import Any, Literal

from playwright.sync_api import Browser, Page, sync_playwright

QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
NAMES = ("chromium", "chromium-browser", "google-chrome")
MISSING = "no Chromium on this machine: install Debian's chromium package to test the console"


def chromium() -> str | None:
    """Where the system's browser is."""
    return next((found for name in NAMES if (found := which(name))), None)


@contextmanager
def browser() -> Iterator[Browser]:
    """Started, and ended."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium(), args=list(QUIET))
        try:
            yield started
        finally:
            started.close()


class Watched:
    """A page whose complaints and requests to other machines are kept."""

    def __init__(
        self,
        started: Browser,
        width: int = 1280,
        scheme: Literal["light", "dark"] = "light",
        height: int = 900,
    ) -> None:
        context = started.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        self.page: Page = context.new_page()
        self.complaints: list[str] = []
        self.elsewhere: list[str] = []
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._asked)

    def close(self) -> None:
        """And its context."""
        self.page.context.close()

    def shoot(self, path: Path, whole: bool = False) -> None:
        """A picture of what is to be seen."""
        self.page.screenshot(path=path, full_page=whole, animations="disabled")

    def _said(self, message: Any) -> None:
        if message.type == "error":
            self.complaints.append(message.text)

    def _asked(self, request: Any) -> None:
        own = ("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:")
        if not request.url.startswith(own):
            self.elsewhere.append(request.url)
