"""What readers think of replies: thumbs, and texts as they should have been."""

import json
from collections.abc import Callable

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from growthbench.base.clock import now_us
from growthbench.base.errors import BadInputError, NotFoundError
from growthbench.content.chat.conversations import Conversations
from growthbench.people.directory import Directory
from growthbench.store.chat_tables import chat_conversations, chat_feedback, chat_messages
from growthbench.store.engine import Store

LONGEST_EDIT = 4_000


def keep_feedback(
    store: Store,
    directory: Callable[[str], Directory],
    reply_id: str,
    tenant: str,
    thumbs: int | None,
    edit: str | None,
    user_id: str | None,
) -> None:
    """Write down what somebody thinks of a reply; what they said of it before is replaced, part by part.

    Raises
    ------
    BadInputError
        Neither thumbs nor an edit, or another value than 1 and -1.
    NotFoundError
        No such reply, or it was given to somebody else.
    """
    _check(thumbs, edit)
    at, people = chat_messages.c, directory(tenant)
    query = select(at.conversation_id, at.person, chat_conversations.c.role).where(
        at.tenant_id == tenant,
        at.message_id == reply_id,
        at.author == "assistant",
        chat_conversations.c.tenant_id == tenant,
        chat_conversations.c.conversation_id == at.conversation_id,
    )
    with store.reading() as connection:
        row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFoundError(f"there is no reply {reply_id!r}")
    Conversations(store, directory).resume(row.conversation_id, tenant, user_id, row.role)
    given = {"tenant_id": tenant, "reply_id": reply_id, "conversation_id": row.conversation_id, "person": row.person}
    with store.writing() as connection:
        said = {} if thumbs is None else {"thumbs": thumbs}
        if edit is not None:
            key = people.key(connection, row.person)
            said["sealed"] = key.seal(json.dumps({"edit": edit}, ensure_ascii=False).encode())
        said["changed_at"] = now_us()
        insert = (postgresql if store.dialect == "postgresql" else sqlite).insert(chat_feedback)
        written = insert.values(**given, **said)
        connection.execute(written.on_conflict_do_update(index_elements=["tenant_id", "reply_id"], set_=said))


def _check(thumbs: int | None, edit: str | None) -> None:
    if thumbs is None and edit is None:
        raise BadInputError("feedback is thumbs (1 or -1), an edit, or both; found neither", field="thumbs")
    if thumbs is not None and (isinstance(thumbs, bool) or thumbs not in (1, -1)):
        raise BadInputError(f"thumbs must be 1 or -1, found {thumbs!r}", field="thumbs")
    if edit is not None and not (isinstance(edit, str) and 0 < len(edit.strip()) <= LONGEST_EDIT):
        raise BadInputError(f"edit must be a text of 1 to {LONGEST_EDIT:,} characters", field="edit")
