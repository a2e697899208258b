"""Attempts to log in: of one e-mail address only a few may fail, then nobody gets in for a while."""

from sqlalchemy import Connection, delete

from growthbench.base.clock import SECOND_US, now_us
from growthbench.base.errors import LimitError
from growthbench.store.engine import Store
from growthbench.store.keyring import Keyring
from growthbench.store.quotas import Quota
from growthbench.store.tenant_tables import quotas

ATTEMPTS = 5
"""How many may fail in one window."""
WINDOW_S = 900

_NOBODYS = ""  # tenant of the counters: an address is counted whether its tenant exists or not
_PREFIX = "login:"
_STRANGERS = _PREFIX + "strangers"


class Attempts:
    """Counts attempts as a quota of the store, so that all workers count together.

    Addresses that nobody has are counted like any other: being locked out tells nothing. Addresses are counted by their
    keyed digest, and counters of windows that are over are dropped.

    Parameters
    ----------
    store : Store
    keyring : Keyring
    """

    def __init__(self, store: Store, keyring: Keyring):
        self.store, self.keyring, self._quota = store, keyring, Quota(store)
        self._tidied = 0

    def take(self, tenant: str, email: str) -> None:
        """Count an attempt, before the password is looked at: so guesses that come at once are counted, too.

        Raises
        ------
        LimitError
            None is left in this window.
        """
        window = _window()
        self._tidy(window)
        if not self._quota.lease(_NOBODYS, self._counter(tenant, email), window, limit=ATTEMPTS, wish=1).granted:
            wait = (window + 1) * WINDOW_S - now_us() / SECOND_US
            raise LimitError("too many logins of this e-mail address failed; try again later", retry_after=wait)

    def give_back(self, tenant: str, email: str) -> None:
        """What was counted last was no failure, nor a success that would make the others forgotten."""
        self._quota.give_back(_NOBODYS, self._counter(tenant, email), _window(), 1)

    def forget(self, connection: Connection, tenant: str, email: str) -> None:
        """Begin anew for an address, inside a write transaction."""
        mine = (quotas.c.tenant_id == _NOBODYS, quotas.c.kind == self._counter(tenant, email))
        connection.execute(delete(quotas).where(*mine))

    def count_stranger(self) -> None:
        """Write something that takes as long as noting the failed login of a member does."""
        self._quota.lease(_NOBODYS, _STRANGERS, _window(), limit=2**53, wish=1)

    def _counter(self, tenant: str, email: str) -> str:
        return _PREFIX + self.keyring.lookup(tenant, "login", email)

    def _tidy(self, window: int) -> None:
        if self._tidied == window:
            return
        self._tidied = window
        counters = (quotas.c.tenant_id == _NOBODYS, quotas.c.kind >= _PREFIX, quotas.c.kind < _PREFIX + "~")
        with self.store.writing() as connection:
            connection.execute(delete(quotas).where(*counters, quotas.c.day < window))


def _window() -> int:
    return now_us() // (WINDOW_S * SECOND_US)
