"""Conversations in the store: every text sealed under the key of the person who writes."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from growthbench.base.clock import DAY_US, now_us
from growthbench.base.errors import BadInputError, ConflictError, NotFoundError
from growthbench.base.ids import new_id
from growthbench.base.jsonio import canonical
from growthbench.content.chat.alerting import alert_of
from growthbench.content.chat.replies import Escalation, Turn
from growthbench.events.heads import Head, lock_head, read_head
from growthbench.people.directory import Directory, Ident
from growthbench.people.vault import PersonKey
from growthbench.store.chat_tables import chat_conversations, chat_escalations, chat_feedback, chat_messages
from growthbench.store.engine import Store
from growthbench.store.messages import write_messages

ANONYMOUS = "chat:"
"""Conversations with nobody in particular belong to the anonymous id ``chat:CONVERSATION``."""
RETENTION_DAYS = 90
_TABLES = (chat_feedback, chat_escalations, chat_messages, chat_conversations)


@dataclass(frozen=True)
class Conversation:
    """One conversation, opened for a message.

    Attributes
    ----------
    conversation_id, tenant : str
    person : str
        Whose it is: a person key.
    role : str or None
        Whose documents it may see.
    turns : int
        Messages of the person so far.
    memory : dict
    key : PersonKey
        Seals what is said.
    user_id : str or None
        Of the person, if one was named.
    anonymous : bool
        Whether it began without a user id.
    """

    conversation_id: str
    tenant: str
    person: str
    role: str | None
    turns: int
    memory: dict[str, Any]
    key: PersonKey
    user_id: str | None = None
    anonymous: bool = False


@dataclass(frozen=True)
class Said:
    """What one exchange leaves behind."""

    message_id: str
    text: str
    reply_id: str
    reply: dict[str, Any]
    inputs: dict[str, Any]
    memory: dict[str, Any] = field(default_factory=dict)
    escalation: Escalation | None = None


class Conversations:
    """Conversations of all tenants in one store.

    Parameters
    ----------
    store : Store
    directory : callable
        Gives the directory of a tenant.
    """

    def __init__(self, store: Store, directory: Callable[[str], Directory]):
        self.store, self._directory = store, directory

    def begin(self, tenant: str, user_id: str | None, role: str | None) -> Conversation:
        """A new conversation; a person nobody knows yet gets a key."""
        conversation_id, now = new_id("chat"), now_us()
        ident = Ident("user", user_id) if user_id is not None else Ident("anonymous", ANONYMOUS + conversation_id)
        directory = self._directory(tenant)
        with self.store.writing() as connection:
            head = lock_head(connection, tenant)
            directory.check(head.people_version)
            (person,) = directory.resolve(connection, [ident], head.seq + 1)
            key = directory.key(connection, person)
            row = {"tenant_id": tenant, "conversation_id": conversation_id, "person": person, "role": role}
            times = {"started_at": now, "last_at": now}
            connection.execute(insert(chat_conversations).values(**row, **times, turns=0, memory=None))
        return Conversation(conversation_id, tenant, person, role, 0, {}, key, user_id, user_id is None)

    def resume(self, conversation_id: str, tenant: str, user_id: str | None, role: str | None) -> Conversation:
        """A conversation that is there.

        Raises
        ------
        NotFoundError
            The tenant has none of this id, or it is somebody else's.
        ConflictError
            It was begun for another role: what it has seen is not for this one.
        """
        directory = self._directory(tenant)
        with self.store.reading() as connection:
            directory.check((read_head(connection, tenant) or Head()).people_version)
            row = self._row(connection, tenant, conversation_id)
            anonymous = self._allowed(connection, directory, row, user_id)
            key = directory.key(connection, row.person)
            memory = {} if row.memory is None else json.loads(key.unseal(row.memory))
        if row.role != role:
            raise ConflictError(
                f"conversation {conversation_id} was begun for role {row.role!r}, not {role!r}: begin another one"
            )
        return Conversation(conversation_id, tenant, row.person, role, row.turns, memory, key, user_id, anonymous)

    def recent(self, conversation: Conversation, messages: int) -> list[dict[str, Any]]:
        """The last messages, oldest first: ``author text at``, of an assistant's also ``reply`` and ``inputs``."""
        with self.store.reading() as connection:
            return _read(connection, conversation, messages)

    def history(self, conversation_id: str, tenant: str, user_id: str | None, role: str | None) -> list[Turn]:
        """Everything that was said."""
        conversation = self.resume(conversation_id, tenant, user_id, role)
        return [
            Turn(m["author"], m["text"], m["at"], m["id"] if m["author"] == "assistant" else "")
            for m in self.recent(conversation, 10_000)
        ]

    def keep(self, conversation: Conversation, said: Said) -> None:
        """Write one exchange down, and tell people if they are called: all or nothing.

        Raises
        ------
        NotFoundError
            The conversation was erased meanwhile.
        """
        now, row = now_us(), {"tenant_id": conversation.tenant, "conversation_id": conversation.conversation_id}
        row |= {"person": conversation.person, "created_at": now}
        with self.store.writing() as connection:
            before = self._move_on(connection, conversation, said, now)
            self._add_messages(connection, conversation.key, said, row)
            called = said.escalation
            if called is not None and called.reason not in before:  # else a message sent at once has called already
                more = {"escalation_id": called.escalation_id, "reply_id": said.reply_id, "reason": called.reason}
                connection.execute(insert(chat_escalations).values(**row, **more))
                # Last: from here to the commit no other message of the tenant is numbered.
                write_messages(connection, [alert_of(conversation, said, before, now)])

    def _move_on(self, connection: Connection, conversation: Conversation, said: Said, now: int) -> list[str]:
        """One turn more, and the new memory; the reasons that had called somebody, also at the same time, stay in it.

        Holds the conversation until the transaction ends; returns those reasons.
        """
        at, key = chat_conversations.c, conversation.key
        mine = (at.tenant_id == conversation.tenant, at.conversation_id == conversation.conversation_id)
        moved = update(chat_conversations).where(*mine)
        if not connection.execute(moved.values(turns=at.turns + 1, last_at=now)).rowcount:
            raise NotFoundError(f"conversation {conversation.conversation_id} was erased while it was answered")
        there = connection.execute(select(at.memory).where(*mine)).scalar_one()
        before = [] if there is None else json.loads(key.unseal(there)).get("escalated", [])
        memory = said.memory | {"escalated": list(dict.fromkeys((*before, *said.memory.get("escalated", ()))))}
        connection.execute(moved.values(memory=key.seal(canonical(memory).encode())))
        return before

    def _add_messages(self, connection: Connection, key: PersonKey, said: Said, row: dict[str, Any]) -> None:
        at = chat_messages.c
        last = select(func.max(at.number)).where(
            at.tenant_id == row["tenant_id"], at.conversation_id == row["conversation_id"]
        )
        number = (connection.execute(last).scalar() or 0) + 1
        told = {"text": said.reply["text"], "reply": said.reply, "inputs": said.inputs}
        both = [("user", said.message_id, {"text": said.text}), ("assistant", said.reply_id, told)]
        rows = [
            {
                **row,
                "number": number + place,
                "message_id": message_id,
                "author": author,
                "sealed": key.seal(json.dumps(content, ensure_ascii=False).encode()),
            }
            for place, (author, message_id, content) in enumerate(both)
        ]
        connection.execute(insert(chat_messages), rows)

    def expire(self, tenant: str, days: float = RETENTION_DAYS) -> int:
        """Delete conversations in which nothing was said for so long; returns how many."""
        if not days > 0:
            raise BadInputError(f"days must be positive, found {days!r}", field="days")
        before, at = now_us() - round(days * DAY_US), chat_conversations.c
        old = select(at.conversation_id).where(at.tenant_id == tenant, at.last_at < before)
        with self.store.writing() as connection:
            gone = list(connection.execute(old.limit(500)).scalars())
            for table in _TABLES if gone else ():
                which = (table.c.tenant_id == tenant, table.c.conversation_id.in_(gone))
                connection.execute(delete(table).where(*which))
        return len(gone)

    def _row(self, connection: Connection, tenant: str, conversation_id: str):
        at = chat_conversations.c
        query = select(chat_conversations).where(at.tenant_id == tenant, at.conversation_id == conversation_id)
        if (row := connection.execute(query).one_or_none()) is None:
            raise NotFoundError(f"there is no conversation {conversation_id!r}")
        return row

    def _allowed(self, connection: Connection, directory: Directory, row, user_id: str | None) -> bool:
        """Whether it began without a user id; refused where it is somebody else's."""
        own = Ident("anonymous", ANONYMOUS + row.conversation_id)
        wanted = own if user_id is None else Ident("user", user_id)
        began, asks = directory.find([own, wanted], connection)
        anonymous = began is not None and began == row.person
        whose = directory.roots([row.person], connection)[0]
        if asks is not None and directory.roots([asks], connection)[0] == whose:
            return anonymous
        if user_id is not None and anonymous and whose == row.person:
            return True  # a visitor who became known: the next event links them
        raise NotFoundError(f"there is no conversation {row.conversation_id!r}")


def _read(connection: Connection, conversation: Conversation, messages: int) -> list[dict[str, Any]]:
    at = chat_messages.c
    query = select(at.message_id, at.author, at.sealed, at.created_at).where(
        at.tenant_id == conversation.tenant, at.conversation_id == conversation.conversation_id
    )
    rows = connection.execute(query.order_by(at.number.desc()).limit(messages)).all()
    return [
        {
            "id": row.message_id,
            "author": row.author,
            "at": row.created_at,
            **json.loads(conversation.key.unseal(row.sealed)),
        }
        for row in reversed(rows)
    ]
