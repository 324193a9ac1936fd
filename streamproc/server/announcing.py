"""Where the server says that it is, for the status line and for who reads its figures on this machine."""

from prometheus_client import CollectorRegistry

from streamproc.config import Config
from streamproc.exposition import announce, serve


def show_figures(config: Config, registry: CollectorRegistry, address: str, needs_token: bool) -> None:
    """Where the API asks for a token they have a port of their own on loopback, as those of every part."""
    if needs_token:
        metrics = config.metrics
        serve(registry, metrics.host, metrics.server_port, config.data_dir, "server", page=address)
    else:
        announce(config.data_dir, "server", f"{address}/metrics", page=address)
