"""What became of the messages."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Counts:
    """What became of the messages of one client: ``accepted == delivered + waiting + dropped after acceptance``.

    Attributes
    ----------
    accepted : int
        Taken into the queue, those found on disk from an earlier run included.
    delivered : int
        Acknowledged by the server.
    waiting : int
        In the queue now; after `close` with a disk queue, what the next run will send.
    attempts : int
        Requests made.
    dropped : dict of str to int
        By reason, see `Problem.kind`. ``full``, ``invalid`` and ``too_large`` were never accepted.
    """

    accepted: int = 0
    delivered: int = 0
    waiting: int = 0
    attempts: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
