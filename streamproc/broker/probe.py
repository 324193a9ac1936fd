"""Is a broker ready? Asked in Kafka's own protocol on a plain socket: no client library that backs off."""

import random
import socket
import struct

API_VERSIONS = 18
METADATA = 3
CLIENT = b"streamproc"
TIMEOUT = 1.0  # seconds for one question
PORTS = range(20_000, 32_768)  # Linux connects from 32,768 on


def ready(port: int) -> bool:
    """Whether a broker on loopback answers ApiVersions and counts itself as alive."""
    try:
        with socket.create_connection(("127.0.0.1", port), TIMEOUT) as connection:
            return _answers_api_versions(connection) and _brokers(connection) > 0
    except (OSError, struct.error):
        return False


def free_port(but: int = 0) -> int:
    """A port on loopback that nobody listens on now, another one than `but`.

    Below those that the system gives to outgoing connections: one of these might take it before the broker
    does, even the client's own that tries to reach the broker there.
    """
    chance = random.SystemRandom()
    while (port := chance.choice(PORTS)) == but or taken(port):
        continue
    return port


def taken(port: int) -> bool:
    """Whether a port on loopback cannot be listened on."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def _answers_api_versions(connection: socket.socket) -> bool:
    error: int = struct.unpack_from(">h", _ask(connection, API_VERSIONS, 0))[0]
    return error == 0


def _brokers(connection: socket.socket) -> int:
    """How many brokers are alive; a broker that has just started is not, for a moment."""
    no_topics = struct.pack(">i", 0)
    brokers: int = struct.unpack_from(">i", _ask(connection, METADATA, 1, no_topics))[0]
    return brokers


def _ask(connection: socket.socket, api_key: int, version: int, body: bytes = b"") -> bytes:
    """The body of the answer to one request: header v1 out, header v0 (a correlation id) back."""
    request = struct.pack(">hhih", api_key, version, 1, len(CLIENT)) + CLIENT + body
    connection.sendall(struct.pack(">i", len(request)) + request)
    (size,) = struct.unpack(">i", _exactly(connection, 4))
    return _exactly(connection, size)[4:]


def _exactly(connection: socket.socket, size: int) -> bytes:
    received = b""
    while len(received) < size:
        piece = connection.recv(size - len(received))
        if not piece:
            raise ConnectionResetError("the broker closed the connection")
        received += piece
    return received
