"""What it may cost: money reserved before it is spent, booked after, never beyond a limit."""

from growthbench.ledger.ledger import Ledger
from growthbench.ledger.limits import BudgetError, Limit, clear_limit, limits_of, set_limit
from growthbench.ledger.micros import dollars, micros
from growthbench.ledger.reservation import Balance, Reservation

__all__ = [
    "Balance",
    "BudgetError",
    "Ledger",
    "Limit",
    "Reservation",
    "clear_limit",
    "dollars",
    "limits_of",
    "micros",
    "set_limit",
]
