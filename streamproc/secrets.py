"""Secrets: passwords and tokens. They come from the environment, from a file that one of its variables names,
or from a folder of such files, but never from the settings file, which gets copied and committed.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, SecretStr

from streamproc.config import Config
from streamproc.errors import ConfigError

PREFIX = "STREAMPROC_"
DELIMITER = "__"
FOLDER = "STREAMPROC_SECRETS_DIR"
SUFFIX = "_FILE"

Location = tuple[str, ...]


def locations(group: type[BaseModel] = Config, above: Location = ()) -> Iterator[Location]:
    """The path of every setting that is a secret, such as ("kafka", "security", "password")."""
    for name, field in group.model_fields.items():
        kind: Any = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from locations(kind, (*above, name))
        elif kind is SecretStr or SecretStr in get_args(kind):
            yield (*above, name)


def variable(location: Location) -> str:
    """Its name in the environment."""
    return PREFIX + DELIMITER.join(location).upper()


def refuse_in_file(table: dict[str, Any], place: str) -> None:
    """Raises ConfigError where the settings of a file contain a secret; the message does not."""
    for location in locations():
        if _get(table, location) is not None:
            name = variable(location)
            raise ConfigError(
                f"`{'.'.join(location)}` is a secret, and {place} gets copied and committed",
                f"Set {name}, or {name}{SUFFIX} to a file that holds it, or put it into {FOLDER}",
            )


def from_folder() -> dict[str, Any]:
    """What is in the secrets folder, in files named like the variables; small letters, or no prefix, will do.

    Raises ConfigError where the folder is named and not there.
    """
    named = os.environ.get(FOLDER)
    if not named:
        return {}
    folder, table = Path(named), dict[str, Any]()
    if not folder.is_dir():
        raise ConfigError(f"{FOLDER} names {folder}, which is no folder", "Name a folder of files")
    files = {file.name.upper().removeprefix(PREFIX): file for file in sorted(folder.iterdir())}
    for location in locations():
        if file := files.get(variable(location).removeprefix(PREFIX)):
            _set(table, location, _read(file, FOLDER))
    return table


def from_named_files() -> dict[str, Any]:
    """What is in the files that variables ending in _FILE name. Raises ConfigError where that is nothing."""
    table: dict[str, Any] = {}
    for location in locations():
        name = variable(location) + SUFFIX
        if not _is_field(_of_file(location)) and (file := os.environ.get(name)):
            _set(table, location, _read(Path(file), name))
    return table


def without_file_names(table: dict[str, Any]) -> dict[str, Any]:
    """The environment's settings without the variables that only say where a secret is."""
    for location in map(_of_file, locations()):
        group = _get(table, location[:-1])
        if isinstance(group, dict) and not _is_field(location):
            group.pop(location[-1], None)
    return table


def _of_file(location: Location) -> Location:
    return (*location[:-1], location[-1] + SUFFIX.lower())


def _is_field(location: Location) -> bool:
    group: Any = Config
    for name in location[:-1]:
        group = group.model_fields[name].annotation
    return location[-1] in group.model_fields


def _read(file: Path, where: str) -> str:
    try:
        text = file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise ConfigError(f"{file}, from {where}, cannot be read: {reason}", "Correct it") from None
    if not text:
        raise ConfigError(f"{file}, from {where}, is empty", "Put the secret into it")
    return text


def _get(table: Any, location: Location) -> Any:
    for name in location:
        table = table.get(name) if isinstance(table, dict) else None
    return table


def _set(table: dict[str, Any], location: Location, value: str) -> None:
    for name in location[:-1]:
        table = table.setdefault(name, {})
    table[location[-1]] = value
