"""The background thread by which every worker forgets whom another one, or the shell, has erased or merged.

Whoever reads the store learns it there (`Directory.check`). What is answered from memory alone does not: scores that
may have an age, and the last good ones while the store is away. So the versions are asked for whether anybody comes.
"""

from collections.abc import Callable

from sqlalchemy import select

from growthbench.events.tables import log_heads
from growthbench.store.engine import Store
from growthbench.store.rounds import Rounds


class Forgetting(Rounds):
    """Hands every tenant's ``people_version`` on.

    Parameters
    ----------
    store : Store
    tell : callable
        Given a tenant and its ``people_version``, each time: what a slower reader put into memory meanwhile goes then.
    every_s : float, default 0.5
    """

    def __init__(self, store: Store, tell: Callable[[str, int], None], every_s: float = 0.5):
        super().__init__("forgetting", every_s, "who was erased elsewhere is not known now")
        self._store, self._tell = store, tell

    def look(self) -> None:
        """Read the versions once, and hand them on."""
        with self._store.reading() as connection:
            found = connection.execute(select(log_heads.c.tenant_id, log_heads.c.people_version)).all()
        for tenant, version in found:
            self._tell(tenant, version)
