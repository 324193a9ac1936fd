"""`streamproc up --demo` where there is no terminal: what a newcomer reads within the first minute."""

import re
import signal

import pytest

from tests.integration.supervised import Supervised, wait_until

pytestmark = pytest.mark.kafka

CLICK = r"^(\w.*) (?:looks at|likes|puts into the cart|buys) (.+)$"
SLATE = r"^ +1 +(\S.*?) +-> +(.+?)  +(?:new|\+\d+) +because of (.+?) *$"  # its first item: before, now, why
RECALL = r"^recall@20 +fusion +#+ +\S+ lately, (\S+) in all\n +popularity +#* +\S+ lately, (\S+) in all$"
FORMS = {"click": CLICK, "slate": SLATE, "recall": RECALL}


def test_the_demo_shows_clicks_a_changed_slate_with_reasons_and_recall_rising(tmp_path):
    """In plain lines; when it is told to, it stops and leaves nothing behind."""
    with Supervised(tmp_path) as system:
        demo = system.start("up", "--demo")

        def shown():
            assert demo.poll() is None, system.said(demo)
            found = {name: re.findall(form, system.said(demo), re.MULTILINE) for name, form in FORMS.items()}
            return found["click"] and found["slate"] and len(found["recall"]) > 2

        wait_until(shown, "clicks, a slate with another first item, three looks at the record")
        demo.send_signal(signal.SIGTERM)
        assert demo.wait(60.0) == 0, system.said(demo)
        assert system.processes() == {}
        told = system.said(demo)

    before, now, why = re.findall(SLATE, told, re.MULTILINE)[0]
    clicked = {item for _, item in re.findall(CLICK, told, re.MULTILINE)}
    recall = [(float(fusion), float(popular)) for fusion, popular in re.findall(RECALL, told, re.MULTILINE)]
    assert before != now
    assert clicked & set(why.split(" and "))
    assert recall[-1][0] > recall[0][0]
    assert all(fusion > popular for fusion, popular in recall)
    assert "Traceback" not in told
