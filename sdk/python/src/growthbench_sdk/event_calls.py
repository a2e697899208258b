"""The six calls that send; both clients have them, word for word."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Generic, TypeVar

Taken = TypeVar("Taken")


class EventCalls(ABC, Generic[Taken]):
    """``track``, ``identify``, ``page``, ``screen``, ``group``, ``alias``: each makes a message and returns at once."""

    @abstractmethod
    def _send(
        self,
        kind: str,
        user_id: Any,
        anonymous_id: Any,
        timestamp: datetime | str | None,
        context: Mapping[str, Any] | None,
        message_id: str | None,
        **fields: Any,
    ) -> Taken: ...

    def track(
        self,
        user_id: str | int | None,
        event: str,
        properties: Mapping[str, Any] | None = None,
        *,
        anonymous_id: str | int | None = None,
        timestamp: datetime | str | None = None,
        context: Mapping[str, Any] | None = None,
        message_id: str | None = None,
    ) -> Taken:
        """Somebody did something.

        Parameters
        ----------
        user_id : str or int, optional
            Who; or give an ``anonymous_id``.
        event : str
            What, like ``product_viewed``.
        properties : mapping, optional
            About it; JSON. ``price`` and ``amount`` in major units (299.99).
        anonymous_id : str, optional
            Of a visitor who is not known yet; given with ``user_id``, the two become one person.
        timestamp : datetime or ISO text, optional
            When; by default now. Naive ones are UTC.
        context : mapping, optional
        message_id : str, optional
            Two messages of one id are one event.

        Returns
        -------
        bool
            Taken into the queue.
        """
        return self._send("track", user_id, anonymous_id, timestamp, context, message_id,
                          event=event, properties=properties)  # fmt: skip

    def identify(
        self,
        user_id: str | int | None,
        traits: Mapping[str, Any] | None = None,
        *,
        anonymous_id: str | int | None = None,
        timestamp: datetime | str | None = None,
        context: Mapping[str, Any] | None = None,
        message_id: str | None = None,
    ) -> Taken:
        """Somebody is such: ``traits`` like ``email``, ``name``, ``plan``."""
        return self._send("identify", user_id, anonymous_id, timestamp, context, message_id, traits=traits)

    def page(
        self,
        user_id: str | int | None,
        name: str | None = None,
        properties: Mapping[str, Any] | None = None,
        *,
        category: str | None = None,
        anonymous_id: str | int | None = None,
        timestamp: datetime | str | None = None,
        context: Mapping[str, Any] | None = None,
        message_id: str | None = None,
    ) -> Taken:
        """Somebody saw a page; ``properties`` like ``url``, ``path``, ``referrer``, ``title``."""
        return self._send("page", user_id, anonymous_id, timestamp, context, message_id,
                          name=name, category=category, properties=properties)  # fmt: skip

    def screen(
        self,
        user_id: str | int | None,
        name: str | None = None,
        properties: Mapping[str, Any] | None = None,
        *,
        category: str | None = None,
        anonymous_id: str | int | None = None,
        timestamp: datetime | str | None = None,
        context: Mapping[str, Any] | None = None,
        message_id: str | None = None,
    ) -> Taken:
        """Somebody saw a screen of an app."""
        return self._send("screen", user_id, anonymous_id, timestamp, context, message_id,
                          name=name, category=category, properties=properties)  # fmt: skip

    def group(
        self,
        user_id: str | int | None,
        group_id: str,
        traits: Mapping[str, Any] | None = None,
        *,
        anonymous_id: str | int | None = None,
        timestamp: datetime | str | None = None,
        context: Mapping[str, Any] | None = None,
        message_id: str | None = None,
    ) -> Taken:
        """Somebody belongs to a company or team; ``traits`` are the group's."""
        return self._send("group", user_id, anonymous_id, timestamp, context, message_id,
                          groupId=group_id, traits=traits)  # fmt: skip

    def alias(
        self,
        previous_id: str | int,
        user_id: str | int,
        *,
        timestamp: datetime | str | None = None,
        context: Mapping[str, Any] | None = None,
        message_id: str | None = None,
    ) -> Taken:
        """Who was ``previous_id`` is ``user_id``."""
        return self._send("alias", user_id, None, timestamp, context, message_id,
                          previousId=previous_id)  # fmt: skip
