"""The response cache: the same question of the same tenant to the same model is paid once."""

import json

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite

from growthbench.base.clock import SECOND_US, now_us
from growthbench.base.jsonio import canonical
from growthbench.language.wire import Reply
from growthbench.store.engine import Store
from growthbench.store.ledger_tables import llm_replies

WEEK_S = 7 * 24 * 3600


class ReplyCache:
    """Replies in the store, personal data masked.

    Parameters
    ----------
    store : Store
    tenant : str
    max_age_s : float, default a week
        0 switches the cache off.
    """

    def __init__(self, store: Store, tenant: str, max_age_s: float = WEEK_S):
        self.store, self.tenant, self.max_age_s = store, tenant, max_age_s
        self._insert = (postgresql if store.dialect == "postgresql" else sqlite).insert

    def find(self, model: str, key: str) -> Reply | None:
        """The reply, if it is young enough."""
        if not self.max_age_s:
            return None
        columns = llm_replies.c
        query = select(columns.reply).where(
            columns.tenant_id == self.tenant,
            columns.model == model,
            columns.request_hash == key,
            columns.created_at > self._oldest(),
        )
        with self.store.reading() as connection:
            found = connection.execute(query).scalar()
        return None if found is None else Reply.of(json.loads(found))

    def keep(self, connection, model: str, key: str, reply: Reply) -> None:
        """Keep a reply, inside a write transaction; what is too old goes."""
        if not self.max_age_s:
            return
        columns = llm_replies.c
        connection.execute(
            delete(llm_replies).where(columns.tenant_id == self.tenant, columns.created_at <= self._oldest())
        )
        row = self._insert(llm_replies).values(
            tenant_id=self.tenant, model=model, request_hash=key, reply=canonical(reply.told()), created_at=now_us()
        )
        said = {"reply": row.excluded.reply, "created_at": row.excluded.created_at}
        where = ["tenant_id", "model", "request_hash"]
        connection.execute(row.on_conflict_do_update(index_elements=where, set_=said))

    def _oldest(self) -> int:
        return now_us() - round(self.max_age_s * SECOND_US)


def forget_replies(store: Store, tenant: str) -> int:
    """Empty a tenant's cache; how many replies went."""
    with store.writing() as connection:
        return connection.execute(delete(llm_replies).where(llm_replies.c.tenant_id == tenant)).rowcount
