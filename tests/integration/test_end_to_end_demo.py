"""`streamproc up --demo` where there is no terminal: what a newcomer reads within the first minute."""

import re

import pytest

from tests.integration.supervised import Supervised

pytestmark = pytest.mark.kafka

CLICK = r"^(?P<user>\w+) (looks at|likes|puts into the cart|buys) (?P<item>.+)$"
CHANGED = r"^ +\d+ .*-> .*\b(because of|by) .+$"
RECALL = r"^recall@20 +fusion .* in all$\n^ +popularity .* in all$"


def test_the_demo_shows_clicks_a_changed_slate_with_reasons_and_recall(tmp_path):
    """In plain lines; then it stops by itself and leaves nothing behind."""
    with Supervised(tmp_path) as system:
        demo = system.start("up", "--demo", "--seconds", "40")
        assert demo.wait(600) == 0, system.said(demo)
        assert system.processes() == {}
        told = system.said(demo)

    assert re.search(CLICK, told, re.MULTILINE), told
    assert re.search(CHANGED, told, re.MULTILINE), told
    assert re.search(RECALL, told, re.MULTILINE), told
    assert "Traceback" not in told
