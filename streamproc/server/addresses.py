"""Ids in addresses: any text, slashes and ends of lines included, which Starlette's own `path` leaves out."""

from typing import Any

from starlette.convertors import Convertor, register_url_convertor


class _Id(Convertor[str]):
    regex = "(?s:.*)"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: Any) -> str:
        return str(value)


def register() -> None:
    """Make `{name:id}` known; before a route has one."""
    register_url_convertor("id", _Id())
