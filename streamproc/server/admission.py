"""Who is let in: programs with the token as a bearer, browsers with a cookie that they got for it."""

import hashlib
import hmac

from streamproc.clock import Clock, SystemClock
from streamproc.config import ServerConfig
from streamproc.errors import ConfigError
from streamproc.exposition import is_loopback
from streamproc.server.attempts import Attempts

COOKIE = "streamproc_pass"
LOGINS = 10  # wrong tokens that people at one address may type in a minute
BEARERS = 600  # and that programs may send: one that was told a wrong one must not shut out its neighbours
_PURPOSE = b"streamproc console"


def token(config: ServerConfig) -> str | None:
    """The token that is asked for. Raises ConfigError where one is needed or cannot be read."""
    found = config.token.get_secret_value() if config.token else None
    if config.token_file is not None:
        try:
            found = config.token_file.read_text("utf-8").strip()
        except OSError as error:
            raise ConfigError(
                f"server.token_file {config.token_file} cannot be read: {error.strerror}", "Give another one"
            ) from None
    if not found and not is_loopback(config.host):
        raise ConfigError(
            f"server.host is {config.host}, which other machines can reach, and there is no token",
            "Set STREAMPROC_SERVER__TOKEN or server.token_file, or use 127.0.0.1",
        )
    return found or None


class Admission:
    """Without a token everybody is let in, who can be on this machine only."""

    def __init__(self, config: ServerConfig, clock: Clock | None = None) -> None:
        found = token(config)
        self._token = found.encode() if found else None
        seconds = (clock or SystemClock()).seconds
        self.typed = Attempts(seconds, LOGINS)  # by people
        self.sent = Attempts(seconds, BEARERS)  # by programs
        # Does not tell the token, and ends with it.
        self.cookie = hmac.new(self._token or b"", _PURPOSE, hashlib.sha256).hexdigest()

    @property
    def needed(self) -> bool:
        """Whether there is a token."""
        return self._token is not None

    def is_token(self, given: bytes) -> bool:
        """Compared in a time that does not tell how much of it is right."""
        return self._token is not None and hmac.compare_digest(given, self._token)

    def admits(self, headers: dict[bytes, bytes]) -> bool:
        """Whether a request with these headers is let in."""
        if self._token is None:
            return True
        scheme, _, given = headers.get(b"authorization", b"").partition(b" ")
        if scheme:
            return scheme.lower() == b"bearer" and self.is_token(given.strip())
        return any(
            hmac.compare_digest(value, self.cookie.encode())
            for name, _, value in (pair.strip().partition(b"=") for pair in _cookies(headers))
            if name == COOKIE.encode()
        )


def _cookies(headers: dict[bytes, bytes]) -> list[bytes]:
    return headers.get(b"cookie", b"").split(b";")
