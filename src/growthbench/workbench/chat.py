"""A conversation in a notebook: say something, read the reply."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from growthbench.workbench.ask import Asker

if TYPE_CHECKING:
    from growthbench.content.chat.assistant import Assistant
    from growthbench.content.chat.replies import Delta, Reply, Turn
    from growthbench.people.directory import Directory
    from growthbench.predictions.scorer import Scorer


class Chat:
    """One conversation.

    Parameters
    ----------
    assistant : Assistant
    tenant : str
    user_id, role : str, optional
        Who writes, and whose documents may be read.
    conversation_id : str, optional
        Goes on with an earlier one.
    """

    def __init__(
        self,
        assistant: "Assistant",
        tenant: str,
        user_id: str | None = None,
        role: str | None = None,
        conversation_id: str | None = None,
    ):
        self.assistant, self.tenant = assistant, tenant
        self.user_id, self.role, self.conversation_id = user_id, role, conversation_id

    def say(self, text: str) -> "Reply":
        """Say something."""
        reply = self.assistant.reply(self.conversation_id, text, **self._who())
        self.conversation_id = reply.conversation_id
        return reply

    def stream(self, text: str) -> "Iterator[Delta | Reply]":
        """Say something and get the reply in pieces; the last one is the whole `Reply`."""
        for piece in self.assistant.stream(self.conversation_id, text, **self._who()):
            self.conversation_id = getattr(piece, "conversation_id", self.conversation_id)
            yield piece

    def history(self) -> "list[Turn]":
        """What was said so far."""
        return [] if self.conversation_id is None else self.assistant.history(self.conversation_id, **self._who())

    def judge(self, reply: "Reply", thumbs: int | None = None, edit: str | None = None) -> None:
        """Thumbs (1 or -1) for a reply, or its text as it should have been."""
        self.assistant.feedback(reply.reply_id, tenant=self.tenant, thumbs=thumbs, edit=edit, user_id=self.user_id)

    def _who(self) -> dict:
        return {"tenant": self.tenant, "user_id": self.user_id, "role": self.role}

    def __repr__(self) -> str:
        return "\n".join(f"{turn.author}: {turn.text}" for turn in self.history()) or "Chat(nothing was said yet)"


def assistant_of(asker: Asker, directory: "Directory", scorer: "Scorer") -> "Assistant":
    """The assistant of a home, over the documents that `Asker` made ready."""
    from growthbench.content.chat.assistant import Assistant

    asker.ready()
    return Assistant(
        asker.base.store,
        asker.base,
        home=asker.settings.home,
        directory=lambda tenant: directory,
        scorer=lambda tenant: scorer,
    )
