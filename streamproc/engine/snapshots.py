"""Snapshots on disk: one folder each, arrays as safetensors, a manifest with their checksum; several kept.

A snapshot is written under a name that nobody reads, synced, and renamed: it is there whole or not at all.
The manifest is the last file written; a folder without a valid one is none. What could not be synced is
removed, and never looked at again: after a failed fsync nobody knows what the disk holds.
"""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from streamproc.config import Config
from streamproc.errors import BadSnapshot

ARRAYS, MANIFEST = "arrays.safetensors", "manifest.json"
_PREFIX, _UNFINISHED = "snapshot-", ".unfinished-"
_BLOCK = 1 << 20
FORMAT = 2


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a snapshot is a function of, and how to tell that it is whole."""

    format: int = FORMAT
    learned_to: int  # journal offset: a restart reads on from here
    highest: list[int]  # source offset of each partition, -1 where none
    version: int  # of the last sync before it
    events: int
    generation: int
    digest: str  # of the state, as `state.digest` gives it
    created_at: int  # ms since 1970
    sha256: str = ""  # of the arrays' file
    size: int = 0  # of the arrays' file, bytes
    seal: str = ""  # sha256 of this manifest without the seal


class Standing(NamedTuple):
    """One snapshot; `problem` is empty where every byte is right."""

    path: Path
    manifest: Manifest | None
    reason: str = ""  # one of metrics.UNUSABLE
    problem: str = ""


def folder(config: Config) -> Path:
    """Where the snapshots of this trainer lie; one folder for each prefix, since each has its own journal."""
    return config.data_dir / "snapshots" / f"{config.kafka.prefix}trainer"


def save(folder: Path, arrays: Mapping[str, NDArray[Any]], manifest: Manifest, keep: int) -> Path:
    """Writes one snapshot and removes all but the newest `keep`; OSError where the disk does not take it."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{_PREFIX}{manifest.learned_to:020d}"
    unfinished, final = folder / (_UNFINISHED + name), folder / name
    clear(folder)
    try:
        unfinished.mkdir()
        _write(unfinished, arrays, manifest)
        _discard(final)
        unfinished.rename(final)
    except OSError:
        clear(folder)
        raise
    try:
        _sync(folder)
    except OSError:
        _discard(final)
        raise
    _remove_old(folder, keep, final)
    return final


def clear(folder: Path) -> None:
    """Removes what a writer that was killed, or that the disk failed, has left behind."""
    for path in folder.glob(_UNFINISHED + "*"):
        shutil.rmtree(path, ignore_errors=True)


def ignore(path: Path, error: BadSnapshot) -> None:
    """Nobody has to be told of a snapshot that is of no use."""


def newest(
    folder: Path, passed_over: Callable[[Path, BadSnapshot], None] = ignore
) -> Iterator[tuple[Manifest, Path]]:
    """Valid manifests, newest first; the arrays are not checked yet. `passed_over` is told of the others."""
    for path in found(folder):
        try:
            manifest = read_manifest(path)
        except BadSnapshot as error:
            passed_over(path, error)
            continue
        yield manifest, path


def found(folder: Path) -> list[Path]:
    """Every snapshot, newest first, whether it is whole or not."""
    return sorted(folder.glob(_PREFIX + "*"), reverse=True)


def listed(config: Config, every_byte: bool) -> list[Standing]:
    """All snapshots, newest first; `every_byte` reads them, else only the manifests are looked at."""
    look = verify if every_byte else read_manifest
    return [_standing(path, look) for path in found(folder(config))]


def set_aside(path: Path, why: str) -> Path:
    """Give it a name under which nobody looks for snapshots; returns the new place."""
    number, place = 0, path.with_name(f"{why}-{path.name}")
    while place.exists():
        number += 1
        place = path.with_name(f"{why}-{number}-{path.name}")
    return path.rename(place)


def read_manifest(path: Path) -> Manifest:
    """The manifest of one snapshot; BadSnapshot where it is missing, damaged or of another snapshot."""
    try:
        manifest = msgspec.json.decode((path / MANIFEST).read_bytes(), type=Manifest)
    except (OSError, ValueError, msgspec.DecodeError) as error:
        raise BadSnapshot(
            f"{path} has no readable manifest: {error}", "An older one is used", "manifest"
        ) from error
    if manifest.seal != _seal(manifest):
        raise BadSnapshot(f"{path} has a damaged manifest", "An older one is used", "manifest")
    if manifest.format != FORMAT:
        text = f"{path} has format {manifest.format}; this version reads {FORMAT}"
        raise BadSnapshot(text, "Read it with the version that wrote it", "format")
    if path.name != f"{_PREFIX}{manifest.learned_to:020d}":
        text = f"{path} holds the manifest of journal offset {manifest.learned_to}"
        raise BadSnapshot(text, "An older one is used", "manifest")
    return manifest


def load(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of one snapshot, checked against its manifest; BadSnapshot where a bit is wrong."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    verify(path)
    try:
        return dict(load_file(path / ARRAYS))
    except (OSError, SafetensorError) as error:
        raise BadSnapshot(f"{path} cannot be read: {error}", "An older one is used", "checksum") from error


def verify(path: Path) -> Manifest:
    """Reads every byte of one snapshot; its manifest, or BadSnapshot where one is wrong."""
    manifest = read_manifest(path)
    try:
        measured = _measure(path / ARRAYS)
    except OSError as error:
        raise BadSnapshot(f"{path} cannot be read: {error}", "An older one is used", "checksum") from error
    if measured != (manifest.size, manifest.sha256):
        raise BadSnapshot(f"{path} is damaged: its checksum is wrong", "An older one is used", "checksum")
    return manifest


def _write(unfinished: Path, arrays: Mapping[str, NDArray[Any]], manifest: Manifest) -> None:
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    try:
        save_file({key: np.ascontiguousarray(array) for key, array in arrays.items()}, unfinished / ARRAYS)
    except SafetensorError as error:  # a full disk
        raise OSError(f"{unfinished / ARRAYS}: {error}") from error
    _sync(unfinished / ARRAYS)
    size, sha256 = _measure(unfinished / ARRAYS)
    whole = msgspec.structs.replace(manifest, sha256=sha256, size=size)
    whole = msgspec.structs.replace(whole, seal=_seal(whole))
    (unfinished / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(whole), indent=2))
    _sync(unfinished / MANIFEST)
    _sync(unfinished)


def _seal(manifest: Manifest) -> str:
    return hashlib.sha256(msgspec.json.encode(msgspec.structs.replace(manifest, seal=""))).hexdigest()


def _measure(path: Path) -> tuple[int, str]:
    whole, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            whole.update(block)
            size += len(block)
    return size, whole.hexdigest()


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove_old(folder: Path, keep: int, written: Path) -> None:
    """Never the one just written: the others may be newer, and damaged."""
    others = [path for path in found(folder) if path != written]
    for path in others[keep - 1 :]:
        _discard(path)


def _discard(path: Path) -> None:
    """Under a name that nobody reads first: one that is half removed is no damaged snapshot."""
    if path.exists():
        shutil.rmtree(path.rename(path.with_name(f"{_UNFINISHED}{path.name}.old")), ignore_errors=True)


def _standing(path: Path, look: Callable[[Path], Manifest]) -> Standing:
    try:
        return Standing(path, look(path))
    except BadSnapshot as error:
        return Standing(path, None, error.reason, error.message)
