"""A Kafka with three more doors: TLS and SCRAM, TLS and tokens, TLS and a certificate of one's own."""

import base64
import datetime
import ipaddress
import json
import time
from pathlib import Path
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from streamproc.broker import probe
from streamproc.broker.kafka import Broker
from streamproc.broker.properties import Listener
from streamproc.config import BrokerConfig, Config

USER, PASSWORD = "streamproc", "the-sentinel-of-the-tests-0147"
KEY_PASSWORD = "the-sentinel-of-the-key-0258"
PLAIN = serialization.NoEncryption()


class Signed(NamedTuple):
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def key_pem(self, encryption: serialization.KeySerializationEncryption = PLAIN) -> bytes:
        form = serialization.PrivateFormat.PKCS8
        return self.key.private_bytes(serialization.Encoding.PEM, form, encryption)


def sign(name: str, by: Signed | None = None, address: str | None = None) -> Signed:
    """A certificate for a day, of an authority of its own where nobody signs it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    day = datetime.timedelta(days=1)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by.certificate.subject if by else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(x509.BasicConstraints(ca=by is None, path_length=None), critical=True)
    )
    if address:
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
        made = made.add_extension(names, critical=False)
    return Signed(made.sign(by.key if by else key, hashes.SHA256()), key)


class Doors:
    """The certificates in a folder, and a broker that has the doors."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        authority = sign("an authority")
        server = sign("kafka", authority, "127.0.0.1")
        client = sign("a client", authority)
        encrypted = serialization.BestAvailableEncryption(KEY_PASSWORD.encode())
        self.cafile = _write(folder / "ca.pem", authority.pem())
        self.certfile = _write(folder / "client.pem", client.pem())
        self.keyfile = _write(folder / "client.key", client.key_pem(encrypted))
        self.other_cafile = _write(folder / "other-ca.pem", sign("somebody else").pem())
        keystore = _write(folder / "server.pem", server.key_pem() + server.pem())
        files = {
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": keystore,
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": self.cafile,
        }
        self.ports = {name: probe.free_port() for name in ("SCRAM", "TOKEN", "MUTUAL", "PLAIN")}
        module = "org.apache.kafka.common.security"
        self._listeners = [
            Listener("SCRAM", "SASL_SSL", self.ports["SCRAM"], files | {
                "sasl.enabled.mechanisms": "SCRAM-SHA-512",
                "scram-sha-512.sasl.jaas.config": f"{module}.scram.ScramLoginModule required;",
            }),
            Listener("TOKEN", "SASL_SSL", self.ports["TOKEN"], files | {
                "sasl.enabled.mechanisms": "OAUTHBEARER",
                "oauthbearer.sasl.jaas.config": f"{module}.oauthbearer.OAuthBearerLoginModule required"
                ' unsecuredLoginStringClaim_sub="broker";',
            }),
            Listener("MUTUAL", "SSL", self.ports["MUTUAL"], files | {"ssl.client.auth": "required"}),
        ]  # fmt: skip
        self._settings = Config(data_dir=folder / "broker", broker=BrokerConfig(port=self.ports["PLAIN"]))

    def broker(self) -> Broker:
        """Not started yet."""
        return Broker(self._settings, more=self._listeners, users={USER: PASSWORD})

    def address(self, door: str) -> str:
        """For bootstrap_servers."""
        return f"127.0.0.1:{self.ports[door]}"

    def scram(self, **changes: Any) -> dict[str, Any]:
        """Settings of kafka.security for the first door."""
        login = {"protocol": "SASL_SSL", "username": USER, "password": PASSWORD, "cafile": str(self.cafile)}
        return login | changes


def unsigned_token(seconds: float) -> str:
    """What Kafka takes as a token where no keys are set: a JWT that nobody has signed."""
    now = time.time()
    parts = ({"alg": "none"}, {"sub": USER, "iat": now, "exp": now + seconds})
    texts = (base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
    return ".".join(texts) + "."


def _write(file: Path, content: bytes) -> Path:
    file.write_bytes(content)
    file.chmod(0o600)
    return file
