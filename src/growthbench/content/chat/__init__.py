"""A chat that answers from the documents, knows when to call a person, and says nothing that it cannot prove."""

from importlib import import_module

_PUBLIC = {
    "Assistant": "assistant",
    "ChatCitation": "replies",
    "Delta": "replies",
    "Escalation": "replies",
    "Intent": "replies",
    "LeadScore": "replies",
    "Reply": "replies",
    "Turn": "replies",
    "chats_of": "exporting",
    "training_set": "training_set",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str):
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PUBLIC[name]}"), name)
