"""Rows about a person above the tables of people: the log, predictions, messages that leave, chats."""

from sqlalchemy import Connection, delete, literal, select
from sqlalchemy.dialects import postgresql, sqlite

from growthbench.events.tables import event_values, events
from growthbench.people.erasure import PEOPLE_HOLDERS, Holder, Rows
from growthbench.people.subject import Subject
from growthbench.people.tables import erased_predictions
from growthbench.predictions.tables import predictions
from growthbench.store.chat_tables import chat_conversations, chat_escalations, chat_feedback, chat_messages
from growthbench.store.message_tables import channel_messages, webhook_deliveries


class Predictions(Rows):
    """Predictions of a person: each leaves a tombstone, so that whoever asks for it learns what became of it."""

    def bury(self, connection: Connection, subject: Subject, receipt_id: str, *conditions) -> int:
        """Put tombstones in place of rows: those of the subject, or those that fit the conditions."""
        where = conditions or self.where(subject)
        told = select(
            predictions.c.tenant_id, predictions.c.prediction_id, literal(receipt_id), literal(subject.until)
        ).where(*where)
        columns = ["tenant_id", "prediction_id", "receipt_id", "erased_at"]
        # A batch that is resumed logs the same ids again: their tombstones may be there already.
        insert = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}[connection.dialect.name]
        connection.execute(insert(erased_predictions).from_select(columns, told).on_conflict_do_nothing())
        return connection.execute(delete(predictions).where(*where)).rowcount


PREDICTIONS = Predictions("predictions", predictions)

HOLDERS: tuple[Holder, ...] = (
    Rows("events", events),
    Rows("event_values", event_values),
    PREDICTIONS,
    Rows("channel_messages", channel_messages),
    Rows("webhook_deliveries", webhook_deliveries),
    Rows("chat_messages", chat_messages),
    Rows("chat_feedback", chat_feedback),
    Rows("chat_escalations", chat_escalations),
    Rows("chat_conversations", chat_conversations),
    *PEOPLE_HOLDERS,
)
"""Everything in the store that a person's keys lead to, in the order of erasing."""
