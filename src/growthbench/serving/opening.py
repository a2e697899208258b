"""Open what the Door works with: the store, the deployed models, the handlers."""

import logging

from growthbench.base.settings import Settings
from growthbench.learning.tasks import TASKS
from growthbench.predictions.scorer import Scorer
from growthbench.serving.handlers import Handlers
from growthbench.serving.settings import DoorSettings
from growthbench.store.engine import Store, open_store

_log = logging.getLogger("growthbench.serving")


def open_handlers(door: DoorSettings, settings: Settings | None = None) -> tuple[Store, Handlers]:
    """Open a home and load its champions, each checked by its golden rows; a refused one is said in the log.

    Parameters
    ----------
    door : DoorSettings
    settings : Settings, optional
        Which home, store and tenant; by default from the environment.

    Raises
    ------
    NotReadyError
        The store cannot be opened.
    """
    logging.getLogger("growthbench").setLevel(logging.INFO)  # BentoML's root handler takes it from there
    settings = settings or Settings.read()
    store = open_store(settings.database_url)
    scorer = Scorer(store, settings.home, settings.tenant, TASKS, door.follow_s)
    handlers = Handlers(scorer, door.max_rows)
    _log.info("the Door serves %s: %s", settings.home, handlers.status()["tasks"])
    return store, handlers
