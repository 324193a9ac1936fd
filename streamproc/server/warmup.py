"""Every kernel of the server, run once on a toy before it answers."""

from streamproc.clock import Clock
from streamproc.config import Config
from streamproc.engine import model, toy
from streamproc.logs import get_logger
from streamproc.server.asking import Asker

logger = get_logger(__name__)


def warm_up(config: Config, clock: Clock) -> None:
    """Compile or load all that answers need."""
    began = clock.seconds()
    view = toy.view(config)
    model.rehash(view.model)
    asker = Asker(config, view, clock)
    windows = asker.made_up(["tea", "cup"])
    asker.rank("", windows)
    asker.inquire(windows, "spoon")
    logger.info("the kernels are ready", seconds=round(clock.seconds() - began, 1))
