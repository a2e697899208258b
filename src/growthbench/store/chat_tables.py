"""Tables of the chat: conversations, what was said, what readers thought of it, and what was handed to a person.

Texts lie in them sealed under the key of the person who writes (``person``, a random key), so that erasing the person
leaves nothing that could be read; the row itself goes, too.
"""

from sqlalchemy import Column, Index, Table

from growthbench.store.tables import BYTES, INT, TEXT, metadata

chat_conversations = Table(
    "chat_conversations",
    metadata,
    Column("tenant_id", TEXT, primary_key=True),
    Column("conversation_id", TEXT, primary_key=True),
    Column("person", TEXT, nullable=False),
    Column("role", TEXT),
    Column("turns", INT, nullable=False),
    Column("memory", BYTES),
    Column("started_at", INT, nullable=False),
    Column("last_at", INT, nullable=False),
    sqlite_with_rowid=False,
)
"""``role`` is whose documents the conversation may see, fixed when it begins; ``memory`` is sealed JSON."""
Index("chat_conversations_by_person", chat_conversations.c.tenant_id, chat_conversations.c.person)
Index("chat_conversations_by_last", chat_conversations.c.tenant_id, chat_conversations.c.last_at)

chat_messages = Table(
    "chat_messages",
    metadata,
    Column("tenant_id", TEXT, primary_key=True),
    Column("conversation_id", TEXT, primary_key=True),
    Column("number", INT, primary_key=True, autoincrement=False),
    Column("message_id", TEXT, nullable=False),
    Column("person", TEXT, nullable=False),
    Column("author", TEXT, nullable=False),
    Column("sealed", BYTES, nullable=False),
    Column("created_at", INT, nullable=False),
    sqlite_with_rowid=False,
)
"""``author`` is user or assistant; ``sealed`` the JSON of what was said, an assistant's with all that led to it."""
Index("chat_messages_by_id", chat_messages.c.tenant_id, chat_messages.c.message_id, unique=True)
Index("chat_messages_by_person", chat_messages.c.tenant_id, chat_messages.c.person)

chat_feedback = Table(
    "chat_feedback",
    metadata,
    Column("tenant_id", TEXT, primary_key=True),
    Column("reply_id", TEXT, primary_key=True),
    Column("conversation_id", TEXT, nullable=False),
    Column("person", TEXT, nullable=False),
    Column("thumbs", INT),
    Column("sealed", BYTES),
    Column("changed_at", INT, nullable=False),
    sqlite_with_rowid=False,
)
"""One row per reply that somebody judged: ``thumbs`` 1 or -1, ``sealed`` the text as it should have been."""
Index("chat_feedback_by_person", chat_feedback.c.tenant_id, chat_feedback.c.person)

chat_escalations = Table(
    "chat_escalations",
    metadata,
    Column("tenant_id", TEXT, primary_key=True),
    Column("escalation_id", TEXT, primary_key=True),
    Column("conversation_id", TEXT, nullable=False),
    Column("reply_id", TEXT, nullable=False),
    Column("person", TEXT, nullable=False),
    Column("reason", TEXT, nullable=False),
    Column("created_at", INT, nullable=False),
    sqlite_with_rowid=False,
)
"""Conversations that were handed to a person, and by which rule: one row per reason, each with its alert."""
Index("chat_escalations_by_person", chat_escalations.c.tenant_id, chat_escalations.c.person)
