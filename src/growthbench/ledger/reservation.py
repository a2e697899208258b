"""Money that is held for something about to happen."""

from typing import NamedTuple


class Lapsed(NamedTuple):
    """A reservation whose holder was not heard of again: its key, and what was booked for it."""

    key: str
    booked: int


class Reservation(NamedTuple):
    """Money that is held.

    Attributes
    ----------
    tenant, purse, key : str
    amount : int
        Micro-units held.
    state : str
        open, committed, released or lapsed: of a key that was used before it is what became of it.
    spent : int
        Micro-units booked; 0 while open.
    expires_at : int
        When it lapses, UTC µs.
    new : bool
        False if the key was known already.
    lapsed : tuple of Lapsed
        Others of the same purse that were found lapsed on the way.
    """

    tenant: str
    purse: str
    key: str
    amount: int
    state: str
    spent: int
    expires_at: int
    new: bool = True
    lapsed: tuple[Lapsed, ...] = ()


class Balance(NamedTuple):
    """Micro-units held and spent."""

    held: int
    spent: int
