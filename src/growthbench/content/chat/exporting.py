"""Everything that a person's chats hold, for the export that the person may ask for."""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select

from growthbench.base.clock import to_iso
from growthbench.people.directory import Directory
from growthbench.people.export import Provider
from growthbench.store.chat_tables import chat_escalations, chat_feedback, chat_messages


def chats_of(directory: Directory) -> Provider:
    """A chapter of `people.export.export_person`: messages, feedback and escalations of a person, unsealed."""

    def read(connection: Connection, tenant: str, persons: Sequence[str]) -> list[dict[str, Any]]:
        keys = directory.keys(connection, persons)
        rows = {
            table: connection.execute(
                select(table)
                .where(table.c.tenant_id == tenant, table.c.person.in_(persons))
                .order_by(*table.primary_key)
            ).all()
            for table in (chat_messages, chat_feedback, chat_escalations)
        }
        told = [
            {
                "conversation_id": row.conversation_id,
                "author": row.author,
                "at": to_iso(row.created_at),
                "text": json.loads(keys[row.person].unseal(row.sealed))["text"],
            }
            for row in rows[chat_messages]
            if row.person in keys
        ]
        told += [
            {"reply_id": row.reply_id, "thumbs": row.thumbs, "at": to_iso(row.changed_at)}
            | ({} if row.sealed is None else json.loads(keys[row.person].unseal(row.sealed)))
            for row in rows[chat_feedback]
            if row.person in keys
        ]
        return told + [
            {"escalation": row.reason, "reply_id": row.reply_id, "at": to_iso(row.created_at)}
            for row in rows[chat_escalations]
        ]

    return read
