"""In which order the tests come, and which of them stay in one process where there are several (`-n`)."""

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long ones first; those without Kafka last, each file of them in one process with its fixtures."""
    for item in items:
        if "kafka" not in item.keywords:
            item.add_marker(pytest.mark.xdist_group(item.path.stem))
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    return 0 if "long" in item.keywords else 1 if "kafka" in item.keywords else 2
