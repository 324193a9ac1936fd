"""In which order the tests come, and which of them stay in one process where there are several (`-n`)."""

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

FIRST = (  # what takes longest: minutes, then half a minute and more each
    "tests/integration/test_end_to_end_retail.py",
    "tests/integration/test_end_to_end",
    "tests/faults/",
    "tests/integration/",
)
TOGETHER = (  # whose tests share what takes long to start
    "tests/unit/",
    "tests/integration/test_console.py",
    "tests/integration/test_security.py",
    "tests/integration/test_security_pipeline.py",
)


class Scheduling(LoadScopeScheduling):  # type: ignore[misc]
    """One after the other, a file of TOGETHER as a whole.

    The marker `xdist_group` would say the same, but xdist 3.8 writes it where pytest 9.2 does not look.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::")[0]
        return file if file.startswith(TOGETHER) else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling:
    """Called by xdist, in the process that shares out."""
    return Scheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long ones first, the small ones last: no process has to wait for another's last test for long."""
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    return next((turn for turn, begin in enumerate(FIRST) if item.nodeid.startswith(begin)), len(FIRST))
