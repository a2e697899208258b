"""The shop world: coffee, tea and kitchen things; its customers come again and again, until they do not.

What makes it hard is that silence has no common unit. Three weeks without an order are normal for those who stock up
and the end for those who come every week; looking without buying is how dreamers shop and how regulars say farewell;
returns are a habit of some and the last word of others.
"""

from growthbench.worlds.laws import Delay, Latency, Rhythm
from growthbench.worlds.spec import Flow, Habit, Kind, Persona, Symbol, Trait, WorldSpec

CATEGORIES = {"coffee": 990, "tea": 690, "kitchen": 3490, "machines": 14900, "gifts": 2490, "books": 1890}
"""Typical price of each category, cents."""

ITEMS = 40

KINDS = (
    Kind(
        "browse",
        (
            *(Symbol("product_view", c, f"{c} ", ITEMS) for c in CATEGORIES),
            *(Symbol("cart_add", c, f"{c} ", ITEMS) for c in CATEGORIES),
            Symbol("search", None, "term ", 40),
            Symbol("page_view", "home", "/home/", 4),
        ),
        session=True,
    ),
    Kind(
        "order",
        tuple(Symbol("purchase", c, f"{c} ", ITEMS) for c in CATEGORIES),
        head=Symbol("checkout"),
        late=False,
        session=True,
    ),
    Kind(
        "ad", (Symbol("ad_impression", None, "creative ", 8), Symbol("ad_click", None, "creative ", 8)), channel="ads"
    ),
    Kind("ticket", tuple(Symbol("support_ticket", c) for c in ("question", "bug", "billing"))),
    Kind("mail", (Symbol("email_delivered"),), channel="email", late=False),
)

TRAITS = (
    Trait("country", ("DE", "FR", "GB", "US", "ES", "PL"), missing=0.05),
    Trait("device", ("desktop", "mobile", "tablet"), missing=0.10),
    Trait("source", ("search", "social", "ads", "referral", "partner"), missing=0.0),
)

_WORKDAY = (2, 1, 1, 1, 1, 1, 3, 6, 7, 6, 6, 6, 8, 8, 6, 6, 7, 9, 11, 14, 16, 15, 11, 5)
_WEEKEND = (3, 2, 1, 1, 1, 1, 2, 4, 7, 10, 12, 12, 11, 10, 10, 10, 10, 10, 11, 13, 14, 13, 9, 5)

# fmt: off
# coffee, tea, kitchen, machines, gifts, books
DRINKS = (0.52, 0.26, 0.09, 0.02, 0.06, 0.05)
PANTRY = (0.60, 0.28, 0.05, 0.02, 0.02, 0.03)
HOUSE = (0.14, 0.11, 0.38, 0.20, 0.09, 0.08)
PRESENTS = (0.14, 0.16, 0.12, 0.03, 0.32, 0.23)
KITCHEN = (0.16, 0.12, 0.40, 0.12, 0.10, 0.10)
MIXTURE = (0.26, 0.18, 0.18, 0.06, 0.18, 0.14)
EVEN = (1 / 6,) * 6

# replies to a mail, warm and cold: opened, clicked, unsubscribed
EAGER = ((0.25, 0.20, 0.005), (0.22, 0.10, 0.02))
DEAF = ((0.15, 0.03, 0.01), (0.12, 0.03, 0.02))
CLICKS = ((0.25, 0.40, 0.005), (0.25, 0.40, 0.005))

MAIL = 1 / 28


def _looks(shares, carts: float, searches: float) -> tuple[float, ...]:
    views = 1 - carts - searches - 0.1
    return (*(views * s for s in shares), *(carts * s for s in shares), searches, 0.1)


def _shopper(step, browse, looks, orders, lines, basket, refund, reply, clicks=0.03) -> Habit:
    """Each pair is (warm, cold): bursts a day, further lines an order, or the share of lines that come back."""
    return Habit(
        start=(0.9, 0.1),
        step=step,
        flows={
            "browse": Flow(browse, looks, (1.0, 1.0)),
            "order": Flow(orders, basket, lines),
            "ad": Flow((0.02, 0.02), (1 - clicks, clicks)),
            "ticket": Flow((0.003, 0.003), (0.5, 0.1, 0.4)),
            "mail": Flow((MAIL, MAIL)),
        },
        reply=reply,
        refund=refund,
    )


PERSONAS = (
    Persona(
        "regular",
        shares={"shopper": 0.08},
        traits={"device": (0.35, 0.58, 0.07), "source": (0.40, 0.10, 0.15, 0.30, 0.05)},
        habits={"shopper": _shopper(
            ((0.975, 0.025), (0.01, 0.99)), (0.05, 0.05), _looks(DRINKS, 0.08, 0.05),
            (0.10, 0.004), (0.3, 0.3), DRINKS, (0.03, 0.06), EAGER,
        )},
    ),
    Persona(
        "stocker",
        shares={"shopper": 0.14},
        traits={"device": (0.62, 0.31, 0.07), "source": (0.45, 0.05, 0.10, 0.35, 0.05)},
        habits={"shopper": _shopper(
            ((0.995, 0.005), (0.02, 0.98)), (0.02, 0.02), _looks(PANTRY, 0.08, 0.05),
            (0.036, 0.004), (2.0, 1.0), PANTRY, (0.03, 0.03), DEAF,
        )},
    ),
    Persona(
        "sleeper",
        shares={"shopper": 0.20},
        traits={"device": (0.25, 0.60, 0.15), "source": (0.20, 0.50, 0.15, 0.10, 0.05)},
        habits={"shopper": _shopper(
            ((0.65, 0.35), (0.30, 0.70)), (0.06, 0.03), _looks(PRESENTS, 0.08, 0.05),
            (0.16, 0.006), (0.3, 0.3), PRESENTS, (0.06, 0.06), EAGER,
        )},
    ),
    Persona(
        "furnisher",
        shares={"shopper": 0.08},
        traits={"device": (0.45, 0.50, 0.05), "source": (0.25, 0.30, 0.35, 0.05, 0.05)},
        habits={"shopper": _shopper(
            ((0.60, 0.40), (0.02, 0.98)), (0.14, 0.04), _looks(HOUSE, 0.14, 0.05),
            (0.28, 0.006), (0.6, 0.4), HOUSE, (0.12, 0.12), EAGER,
        )},
    ),
    Persona(
        "hunter",
        shares={"shopper": 0.09},
        traits={"device": (0.40, 0.50, 0.10), "source": (0.15, 0.20, 0.50, 0.05, 0.10)},
        habits={"shopper": _shopper(
            ((0.94, 0.06), (0.06, 0.94)), (0.08, 0.08), _looks(KITCHEN, 0.14, 0.05),
            (0.09, 0.020), (0.6, 0.4), KITCHEN, (0.12, 0.12), CLICKS, 0.25,
        )},
    ),
    Persona(
        "window_shopper",
        shares={"shopper": 0.38},
        traits={"device": (0.30, 0.60, 0.10), "source": (0.25, 0.40, 0.20, 0.10, 0.05)},
        habits={"shopper": Habit(
            start=(0.8, 0.2),
            step=((0.80, 0.20), (0.02, 0.98)),
            flows={
                "browse": Flow((0.12, 0.01), _looks(MIXTURE, 0.05, 0.08), (1.0, 1.0)),
                "ad": Flow((0.02, 0.02), (0.97, 0.03)),
                "mail": Flow((MAIL, MAIL)),
            },
            reply=DEAF,
        )},
    ),
    Persona(
        "bot",
        shares={"shopper": 0.03},
        traits={"device": (0.95, 0.05, 0.0)},
        habits={"shopper": Habit(
            flows={
                "browse": Flow((0.20, 0.20), _looks(EVEN, 0.02, 0.02), (4.0, 4.0)),
                "ad": Flow((0.02, 0.02), (0.5, 0.5)),
                "mail": Flow((MAIL, MAIL)),
            },
            reply=((0.02, 0.30, 0.0), (0.02, 0.30, 0.0)),
        )},
        bot=True,
    ),
)
# fmt: on

SHOP = WorldSpec(
    name="shop",
    start="2025-01-06T00:00:00Z",
    days=364,
    personas=PERSONAS,
    paths={"shopper": 1.0},
    kinds=KINDS,
    traits=TRAITS,
    rhythm=Rhythm(_WORKDAY * 5 + _WEEKEND * 2),
    delay=Delay((0.10, 0.04), (0.1, 1.5)),
    duplicates=0.02,
    reply_latency=Latency(2 / 1440, 0.3),
    refund_latency=Latency(3.0, 5.0),
)
