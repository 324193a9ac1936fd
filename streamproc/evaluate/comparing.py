"""The configurations of runs that are compared with the one asked for."""

from streamproc.config import Config
from streamproc.errors import ConfigError
from streamproc.heads_config import HeadsConfig


def without(config: Config, head: str) -> Config:
    """The same configuration with one head switched off; ConfigError where there is no such head."""
    heads = config.heads
    if head not in HeadsConfig.model_fields:
        known = ", ".join(HeadsConfig.model_fields)
        raise ConfigError(f"--ablate: no head is called {head!r}", f"There are {known}")
    if not getattr(heads, head).enabled:
        raise ConfigError(f"--ablate: heads.{head} is off already", "Name another head")
    off = getattr(heads, head).model_copy(update={"enabled": False})
    return config.model_copy(update={"heads": heads.model_copy(update={head: off})})
