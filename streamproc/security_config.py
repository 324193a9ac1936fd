"""How the clients prove who they are to Kafka, and how they check whom they talk to."""

import ipaddress
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator

from streamproc.section import Section

Protocol = Literal["PLAINTEXT", "SSL", "SASL_SSL"]
Mechanism = Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN", "OAUTHBEARER"]


class SecurityConfig(Section):
    """TLS and the login of every client. A certificate's host name is always checked."""

    protocol: Protocol = "PLAINTEXT"
    mechanism: Mechanism = "SCRAM-SHA-512"  # with SASL_SSL
    username: str | None = None
    password: SecretStr | None = None
    token_file: Path | None = None  # for OAUTHBEARER: read anew for each login
    token_command: list[str] = Field(default_factory=list)  # the same from what a program prints
    cafile: Path | None = None  # PEM; None: what the system trusts
    certfile: Path | None = None  # PEM; the client's own certificate
    keyfile: Path | None = None  # PEM; of certfile, where it is not in the same file
    key_password: SecretStr | None = None  # of keyfile
    allow_plaintext: bool = False  # also to other machines

    @property
    def encrypted(self) -> bool:
        return self.protocol != "PLAINTEXT"

    @property
    def logs_in(self) -> bool:
        return self.protocol == "SASL_SSL"

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.logs_in:
            self._check_login()
        elif self.username or self.password or self.token_file or self.token_command:
            raise ValueError(f"a login is set, but nobody logs in with protocol = {self.protocol}: SASL_SSL")
        files = [name for name in ("cafile", "certfile", "keyfile") if getattr(self, name)]
        if files and not self.encrypted:
            raise ValueError(
                f"{files[0]} is set, but protocol = PLAINTEXT uses no certificates: SSL, SASL_SSL"
            )
        if (self.keyfile or self.key_password) and not self.certfile:
            raise ValueError("keyfile is set, but not the certfile that it belongs to")
        return self

    def _check_login(self) -> None:
        if self.mechanism == "OAUTHBEARER":
            if bool(self.token_file) == bool(self.token_command):
                raise ValueError("OAUTHBEARER needs either token_file or token_command")
        elif not (self.username and self.password):
            raise ValueError(
                f"{self.mechanism} needs username and password (STREAMPROC_KAFKA__SECURITY__PASSWORD)"
            )


def all_on_loopback(servers: str) -> bool:
    """Whether every address of `host:port,host:port` is on this machine."""
    return all(_on_loopback(server.strip().rpartition(":")[0].strip("[]")) for server in servers.split(","))


def _on_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
