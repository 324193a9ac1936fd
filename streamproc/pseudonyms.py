"""What stands for a user in logs: a keyed hash, so that lines of one user can be found, but not who it is."""

import hashlib
import hmac
import os
import secrets
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

from streamproc.config import Config

FILE = "users.key"  # below the data folder's logs
KEY_BYTES = 32
SHOWN_BYTES = 8  # of a hash; two of ten million users share one with a probability of 3 in a million


class Pseudonyms:
    """Hashes under one key; without a given one that of `file`, made when it is first needed."""

    def __init__(self, key: bytes | None = None, file: Path | None = None) -> None:
        self._key = key
        self._file = file

    @classmethod
    def of(cls, config: Config) -> "Pseudonyms":
        """Under logs.user_key, which several machines can share; else under a key of the data folder."""
        given = config.logs.user_key
        if given is not None:
            return cls(given.get_secret_value().encode())
        return cls(file=config.data_dir / "logs" / FILE)

    def hash(self, user_id: str) -> str:
        """16 hexadecimal digits. Never fails: where no key can be kept, one of this process has to do."""
        if self._key is None:
            self._key = _kept(self._file) if self._file else secrets.token_bytes(KEY_BYTES)
        text = user_id.encode("utf-8", "surrogatepass")
        return hmac.digest(self._key, text, hashlib.sha256)[:SHOWN_BYTES].hex()


def _kept(file: Path) -> bytes:
    """The key in `file`; where none can be kept, a new one."""
    try:
        return _made(file)
    except OSError:
        return secrets.token_bytes(KEY_BYTES)


def _made(file: Path) -> bytes:
    """The same for all who ask at once: whoever links first has made it."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=file.parent) as written, suppress(FileExistsError):  # its owner's alone
            written.write(secrets.token_bytes(KEY_BYTES))
            written.flush()
            os.link(written.name, file)
    return file.read_bytes()
