"""TLS and login for everything that talks to Kafka: one place, so that no client is forgotten."""

import asyncio
import ssl
from pathlib import Path
from typing import Any

from aiokafka.abc import AbstractTokenProvider
from aiokafka.conn import AIOKafkaConnection, OAuthAuthenticator
from aiokafka.errors import (
    IllegalSaslStateError,
    KafkaConnectionError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)

from streamproc.config import KafkaConfig
from streamproc.errors import ConfigError, KafkaRefused
from streamproc.security_config import SecurityConfig

COMMAND_SECONDS = 30.0  # for a program to print a token
PASSWORD = "STREAMPROC_KAFKA__SECURITY__PASSWORD"


def client_settings(kafka: KafkaConfig) -> dict[str, Any]:
    """What every aiokafka client is given: the addresses, TLS, the login.

    Certificates are read anew each time. Raises ConfigError where a file of them cannot be used.
    """
    return {"bootstrap_servers": kafka.bootstrap_servers, **connection_settings(kafka.security)}


def connection_settings(security: SecurityConfig) -> dict[str, Any]:
    """The same without the addresses."""
    settings: dict[str, Any] = {"security_protocol": security.protocol}
    if security.encrypted:
        settings["ssl_context"] = tls(security)
    if security.logs_in:
        settings["sasl_mechanism"] = security.mechanism
        if security.mechanism == "OAUTHBEARER":
            settings["sasl_oauth_token_provider"] = Token(security)
        elif security.password:
            settings["sasl_plain_username"] = security.username
            settings["sasl_plain_password"] = security.password.get_secret_value()
    return settings


def faust_credentials(security: SecurityConfig) -> Any:
    """The same as Faust wants it; None where there is nothing to prove."""
    from faust import auth

    if not security.logs_in:
        return auth.SSLCredentials(tls(security)) if security.encrypted else None
    if security.mechanism == "OAUTHBEARER":
        return auth.OAuthCredentials(oauth_cb=Token(security), ssl_context=tls(security))
    return auth.SASLCredentials(
        username=security.username,
        password=security.password.get_secret_value() if security.password else None,
        mechanism=security.mechanism,
        ssl_context=tls(security),
    )


def tls(security: SecurityConfig) -> ssl.SSLContext:
    """TLS 1.2 or newer, whose certificate and host name are checked. Raises ConfigError."""
    try:
        context = ssl.create_default_context(cafile=security.cafile)
    except (OSError, ssl.SSLError) as error:
        raise _unusable("cafile", security.cafile, error) from None
    if security.certfile:
        password = security.key_password.get_secret_value() if security.key_password else ""
        try:
            context.load_cert_chain(security.certfile, security.keyfile, password=lambda: password)
        except (OSError, ssl.SSLError, ValueError) as error:
            raise _unusable("certfile", security.certfile, error) from None
    return context


class Token(AbstractTokenProvider):  # type: ignore[misc]
    """What OAUTHBEARER logs in with, fetched for each login: tokens run out."""

    def __init__(self, security: SecurityConfig) -> None:
        self._file = security.token_file
        self._command = security.token_command

    async def token(self) -> str:
        """Raises KafkaRefused where there is none; what the program printed is not told to anybody."""
        text = await (asyncio.to_thread(self._read, self._file) if self._file else self._ask())
        if not text:
            raise _no_token(self._file or self._command[0], "it is empty")
        return text

    def _read(self, file: Path) -> str:
        try:
            return file.read_text("utf-8").strip()
        except OSError as error:
            raise _no_token(file, error.strerror) from None

    async def _ask(self) -> str:
        program = self._command[0]
        try:
            process = await asyncio.create_subprocess_exec(*self._command, stdout=asyncio.subprocess.PIPE)
        except OSError as error:
            raise _no_token(program, error.strerror) from None
        try:
            printed, _ = await asyncio.wait_for(process.communicate(), COMMAND_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()
            raise _no_token(program, f"it did not end within {COMMAND_SECONDS:g} s") from None
        if process.returncode:
            raise _no_token(program, f"it ended with code {process.returncode}")
        return printed.decode("utf-8", "replace").strip()


async def log_in(kafka: KafkaConfig, host: str, port: int, seconds: float) -> None:
    """Connect to one broker, as its clients do, and leave again.

    aiokafka's clients only ever say that they could not connect. Raises KafkaRefused, saying what to correct,
    where a second try would end in the same way; OSError, KafkaError, TimeoutError for all else.
    """
    address, settings = f"{host}:{port}", connection_settings(kafka.security)
    connection = _Connection(host, port, request_timeout_ms=int(seconds * 1000), **settings)
    try:
        await connection.connect()
    except (SaslAuthenticationFailed, IllegalSaslStateError, UnsupportedSaslMechanismError) as error:
        raise _not_let_in(kafka.security, address, error) from None
    except (ssl.SSLError, KafkaConnectionError) as error:
        reason = error if isinstance(error, ssl.SSLError) else error.__cause__
        if isinstance(reason, ssl.SSLError):
            raise _no_tls(address, reason) from None
        raise
    except ConnectionResetError:
        raise KafkaConnectionError(f"{address} hangs up: is it the port of its TLS listener?") from None
    finally:
        connection.close()


class _Connection(AIOKafkaConnection):  # type: ignore[misc]
    """aiokafka's own takes the refusal of a token for a yes."""

    def authenticator_oauth(self) -> Any:
        return _TokenLogin(sasl_oauth_token_provider=self._sasl_oauth_token_provider)


class _TokenLogin(OAuthAuthenticator):  # type: ignore[misc]
    """A broker that takes a token answers with nothing; else with the reason (RFC 7628, 3.2.2)."""

    async def step(self, payload: bytes | None) -> Any:
        if payload:
            raise SaslAuthenticationFailed("the token is not accepted")
        return await super().step(payload)


def _not_let_in(security: SecurityConfig, address: str, error: Exception) -> KafkaRefused:
    what = f"Kafka at {address} refuses the login"
    if isinstance(error, UnsupportedSaslMechanismError):
        return KafkaRefused(
            f"{what} by {security.mechanism}", "Set kafka.security.mechanism to what it offers"
        )
    if security.mechanism == "OAUTHBEARER":
        return KafkaRefused(f"{what} with this token", "Look at kafka.security.token_file or token_command")
    who = f"of {security.username!r} by {security.mechanism}"
    return KafkaRefused(
        f"{what} {who}", f"Correct kafka.security.username, or the password ({PASSWORD} or {PASSWORD}_FILE)"
    )


def _no_tls(address: str, error: ssl.SSLError) -> KafkaRefused:
    if isinstance(error, ssl.SSLCertVerificationError):
        return KafkaRefused(
            f"the certificate of Kafka at {address} is not accepted: {error.verify_message}",
            "Set kafka.security.cafile to who signed it, and use the host name that it is for",
        )
    if "CERTIFICATE" in str(error.reason):
        return KafkaRefused(
            f"Kafka at {address} does not accept our certificate ({error.reason})",
            "Set kafka.security.certfile and keyfile to ones that it trusts",
        )
    return KafkaRefused(
        f"Kafka at {address} does not speak TLS with us ({error.reason})",
        "Take the port of its TLS listener, or another kafka.security.protocol",
    )


def _no_token(source: Path | str, reason: str | None) -> KafkaRefused:
    return KafkaRefused(
        f"no token for Kafka from {source}: {reason}", "Correct kafka.security.token_file or token_command"
    )


def _unusable(name: str, file: Path | None, error: Exception) -> ConfigError:
    reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or type(error).__name__
    return ConfigError(
        f"kafka.security.{name} {file} cannot be used: {reason}",
        "It has to be PEM, with its key and password",
    )
