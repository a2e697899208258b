"""What is said to the Desk and what it answers, about content and chat; checked while it is read."""

from typing import Any

import msgspec


class BriefRequest(msgspec.Struct, forbid_unknown_fields=True):
    """What is to be written: see ``docs/content.md``.

    Attributes
    ----------
    kind : str
        blog, landing_page, ad_copy, email, social or retention.
    """

    kind: str
    topic: str
    audience: str = ""
    goal: str = ""
    keyword: str = ""
    platform: str = ""
    tone: str = ""
    call_to_action: str = ""
    link: str = ""
    company: str = ""
    language: str = "en"
    facts: list[str] = []
    collections: list[str] | None = None
    restricted: bool = False


class GenerateRequest(msgspec.Struct, forbid_unknown_fields=True):
    """An order for content.

    Attributes
    ----------
    seed : int
        Another seed may give another draft.
    role : str
        On whose behalf facts are looked for.
    wait : bool
        False: answer 202 at once, with a job. ``?async=true`` says the same.
    """

    brief: BriefRequest
    seed: int = 0
    role: str | None = None
    wait: bool = True


class AssetTold(msgspec.Struct):
    """One version of one text of the library; ``parts`` is the text as it would be sent, by part."""

    content_id: str
    version: int
    content_type: str
    platform: str
    title: str
    body: str
    parts: dict[str, Any]
    metadata: dict[str, Any]
    status: str
    variant_of: str | None
    brand_check: str
    created_by: str
    created_at: str
    performance_score: float | None = None


class Generated(msgspec.Struct):
    """A piece and its variants in the library; ``status`` is draft, or needs_review where a check found an error."""

    status: str
    content: list[AssetTold]
    piece: dict[str, Any]
    job_id: str


class AssetList(msgspec.Struct):
    """Newest versions, the newest first."""

    content: list[AssetTold]


class AssetHistory(msgspec.Struct):
    """A text with all its versions and decisions."""

    content_id: str
    versions: list[AssetTold]
    decisions: list[dict[str, Any]]


class EditRequest(msgspec.Struct, forbid_unknown_fields=True):
    """A better text: the parts that change. It becomes a new version."""

    parts: dict[str, Any]


class DecisionRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Why, and which version; the newest by default."""

    reason: str = ""
    version: int | None = None


class ChatRequest(msgspec.Struct, forbid_unknown_fields=True):
    """A message to the assistant.

    Attributes
    ----------
    conversation_id : str
        From the last reply; none begins a conversation.
    user_id : str
        Who writes: the message becomes an event of theirs. Needs ``events:write``, too.
    role : str
        Whose documents may be read; fixed with the conversation.
    """

    text: str
    conversation_id: str | None = None
    user_id: str | None = None
    role: str | None = None


class ReplyTold(msgspec.Struct):
    """A reply; ``escalation`` says that a person is called, and why."""

    reply_id: str
    conversation_id: str
    text: str
    handling: str
    answered: bool
    citations: list[dict[str, Any]]
    confidence: float
    question: str
    intent: dict[str, Any] | None
    sentiment: float
    escalation: dict[str, Any] | None
    lead_score: dict[str, Any] | None
    written_by: str
    notes: list[str]
    cost_usd: str


class StreamEvent(msgspec.Struct):
    """An event of the stream: ``delta`` with a piece of the text, then ``reply`` with the whole one, or ``error``."""

    event: str
    data: str


class FeedbackRequest(msgspec.Struct, forbid_unknown_fields=True):
    """A judgement of a reply: ``thumbs`` 1 or -1, ``edit`` the text as it should have been, or both."""

    reply_id: str
    thumbs: int | None = None
    edit: str | None = None
    user_id: str | None = None


class TurnTold(msgspec.Struct):
    """One message; ``author`` is user or assistant."""

    author: str
    text: str
    at: str
    reply_id: str


class ConversationTold(msgspec.Struct):
    """Everything that was said, oldest first."""

    conversation_id: str
    turns: list[TurnTold]


class Extra(msgspec.Struct):
    """What OpenAI's protocol has no field for; see `ChatRequest`."""

    conversation_id: str | None = None
    user_id: str | None = None
    role: str | None = None


class Message(msgspec.Struct):
    """A message; of parts only texts are read. System messages change nothing: the assistant has instructions."""

    role: str
    content: str | list[dict[str, Any]] | None = None


class CompletionRequest(msgspec.Struct):
    """OpenAI's request; what is not named here is taken and not used."""

    messages: list[Message]
    model: str
    stream: bool = False
    n: int | None = None
    tools: list[dict[str, Any]] | None = None
    growthbench: Extra | None = None
