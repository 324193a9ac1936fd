"""Snapshots on disk: one folder each, arrays as safetensors, a manifest with their checksum; several kept.

A snapshot is written under a name that nobody reads, synced, and renamed: it is there whole or not at all.
The manifest is the last file written; a folder without a valid one is no snapshot.
"""

import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from streamproc.errors import BadSnapshot

ARRAYS, MANIFEST = "arrays.safetensors", "manifest.json"
_PREFIX, _UNFINISHED = "snapshot-", ".unfinished-"
_BLOCK = 1 << 20


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a snapshot is a function of, and how to tell that it is whole."""

    format: int = 1
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


def save(folder: Path, arrays: Mapping[str, NDArray[Any]], manifest: Manifest, keep: int) -> Path:
    """Writes one snapshot and removes all but the newest `keep`; OSError where the disk does not take it."""
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    folder.mkdir(parents=True, exist_ok=True)
    name = f"{_PREFIX}{manifest.learned_to:020d}"
    unfinished, final = folder / (_UNFINISHED + name), folder / name
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
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
    shutil.rmtree(final, ignore_errors=True)
    unfinished.rename(final)
    _sync(folder)
    _remove_old(folder, keep)
    return final


def newest(folder: Path) -> Iterator[tuple[Manifest, Path]]:
    """Valid manifests, newest first; the arrays are not checked yet."""
    for path in sorted(folder.glob(_PREFIX + "*"), reverse=True):
        try:
            yield read_manifest(path), path
        except BadSnapshot:
            continue


def read_manifest(path: Path) -> Manifest:
    """The manifest of one snapshot; BadSnapshot where it is missing or damaged."""
    try:
        manifest = msgspec.json.decode((path / MANIFEST).read_bytes(), type=Manifest)
    except (OSError, ValueError, msgspec.DecodeError) as error:
        raise BadSnapshot(f"{path} has no readable manifest: {error}", "An older one is used") from error
    if manifest.seal != _seal(manifest):
        raise BadSnapshot(f"{path} has a damaged manifest", "An older one is used")
    return manifest


def load(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of one snapshot, checked against its manifest; BadSnapshot where a bit is wrong."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    manifest = read_manifest(path)
    try:
        found = _measure(path / ARRAYS)
        if found != (manifest.size, manifest.sha256):
            raise BadSnapshot(f"{path} is damaged: its checksum is wrong", "An older one is used")
        return dict(load_file(path / ARRAYS))
    except (OSError, SafetensorError) as error:
        raise BadSnapshot(f"{path} cannot be read: {error}", "An older one is used") from error


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


def _remove_old(folder: Path, keep: int) -> None:
    for path in sorted(folder.glob(_PREFIX + "*"), reverse=True)[keep:]:
        shutil.rmtree(path, ignore_errors=True)
    for path in folder.glob(_UNFINISHED + "*"):
        shutil.rmtree(path, ignore_errors=True)
