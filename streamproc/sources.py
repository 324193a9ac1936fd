"""Where settings come from: a TOML file, secrets, the environment, flags; what to say when one is wrong."""

import difflib
import os
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource

from streamproc import secrets
from streamproc.config import FILE_NAME, Config
from streamproc.errors import ConfigError
from streamproc.secrets import DELIMITER, PREFIX

Layers = dict[str, dict[str, Any]]


class _Settings(BaseSettings, Config):  # type: ignore[misc]  # each has a model_config; both hold
    """The tree as pydantic-settings wants to see it."""


def layers(path: Path | None, overrides: dict[str, Any]) -> Layers:
    """What each place says, weakest first, by the name of the place."""
    place, table = _file(path)
    secrets.refuse_in_file(table, place)
    return {
        place: table,
        "the secrets folder": secrets.from_folder(),
        "a file that the environment names": secrets.from_named_files(),
        "the environment": _environment(),
        "a flag": overrides,
    }


def problems(error: ValidationError, found: Layers) -> str:
    """Every mistake in one sentence each: the field, where it was written, what would be right."""
    return "; ".join(
        _problem(detail["loc"], detail["type"], detail["msg"], found) for detail in error.errors()
    )


def _problem(location: Sequence[int | str], kind: str, message: str, found: Layers) -> str:
    name = ".".join(map(str, location))
    where = origin(location, found)
    if kind == "extra_forbidden":
        return f"unknown field `{name}` in {where}{_nearest(location)}"
    return f"`{name}` in {where}: {message.removeprefix('Value error, ')}"


def _file(path: Path | None) -> tuple[str, dict[str, Any]]:
    if path is None:
        path = Path(FILE_NAME)
        if not path.exists():
            return "no file", {}
    try:
        return str(path), tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}", "Give another --config") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error}", "Correct that line") from None


def _environment() -> dict[str, Any]:
    for name in os.environ:
        if name.startswith(PREFIX) and name != secrets.FOLDER:
            _check_known(name)
    source = EnvSettingsSource(_Settings, env_prefix=PREFIX, env_nested_delimiter=DELIMITER)
    try:
        return secrets.without_file_names(source())
    except ValueError as error:  # a list or table that is not JSON
        raise ConfigError(f"the environment: {error}", "Write lists as JSON") from None


def _check_known(name: str) -> None:
    """pydantic-settings passes over a variable whose first part is no field; a typo must not."""
    field = name.removeprefix(PREFIX).split(DELIMITER)[0].lower()
    if field not in Config.model_fields:
        raise ConfigError(f"unknown field `{field}` in the environment ({name}){_nearest([field])}")


def origin(location: Sequence[int | str], found: Layers) -> str:
    """The name of the strongest place that wrote this field, or "default"."""
    return next((place for place in reversed(found) if _has(found[place], location)), "default")


def _has(table: Any, location: Sequence[int | str]) -> bool:
    for key in location:
        if not isinstance(table, dict) or key not in table:
            return False
        table = table[key]
    return True


def _nearest(location: Sequence[int | str]) -> str:
    known = _fields_at(location[:-1])
    close = difflib.get_close_matches(str(location[-1]), known, n=1, cutoff=0.0)
    return f"; did you mean `{close[0]}`?" if close else ""


def _fields_at(location: Sequence[int | str]) -> list[str]:
    """Names of the fields of the group at `location`; a table by name (`events.types`) counts as one step."""
    annotation: Any = Config
    for key in location:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            annotation = annotation.model_fields[str(key)].annotation
        else:
            annotation = get_args(annotation)[-1]
    return list(annotation.model_fields)
