"""The B2B world: a company selling software by subscription; its leads, its customers, and nine sorts of them.

What makes it hard is that nothing means the same for everybody. People of small companies buy after they have tried the
product and read the documentation, and those who only compare prices do not; in large companies it is the buyer with
prices and a demo who signs, and the one playing with the product is a tinkerer without a budget. Customers of small
companies who fade stop working; large ones keep paying for what nobody uses, and leave while they still work hard.
"""

from growthbench.worlds.laws import Delay, Latency, Rhythm
from growthbench.worlds.spec import Flow, Habit, Kind, Persona, Symbol, Trait, WorldSpec

NURTURE_DAYS = 14.0
"""Sales leaves a lead alone for this long after sign-up; then deals may be opened."""

BEFORE_DAYS = 7.0
"""A lead's visits are followed from this long before sign-up; its weeks are counted from there."""

FORGOTTEN_DAYS = 42.0
"""A lead is followed for this long after sign-up."""

PLANS = {"starter": 4900, "team": 19900, "enterprise": 99000}
"""Price of each plan, cents a month."""

PAGES = ("home", "pricing", "docs", "blog", "case_study", "careers")

KINDS = (
    Kind(
        "visit",
        (*(Symbol("page_view", page, f"/{page}/", 12) for page in PAGES), Symbol("search", None, "term ", 40)),
        session=True,
    ),
    Kind(
        "work",
        (
            *(Symbol("feature_use", "core", item) for item in ("board", "report", "import", "share", "comment")),
            *(Symbol("feature_use", "advanced", item) for item in ("api", "automation", "forecast")),
        ),
        head=Symbol("login"),
        channel="app",
        session=True,
    ),
    Kind("form", tuple(Symbol("form_submit", c) for c in ("demo", "contact", "ebook", "newsletter"))),
    Kind("invite", (Symbol("invite"),), channel="app"),
    Kind("ticket", tuple(Symbol("support_ticket", c) for c in ("question", "bug", "billing")), channel="app"),
    Kind(
        "ad", (Symbol("ad_impression", None, "creative ", 8), Symbol("ad_click", None, "creative ", 8)), channel="ads"
    ),
    Kind("mail", (Symbol("email_delivered"),), channel="email", late=False),
)

TRAITS = (
    Trait("industry", ("software", "manufacturing", "retail", "finance", "education", "health"), missing=0.2),
    Trait("employees", ((1, 10), (11, 50), (51, 200), (201, 1000), (1001, 10000)), missing=0.10),
    Trait("seniority", ("junior", "senior", "manager", "executive"), missing=0.25),
    Trait("country", ("DE", "FR", "GB", "US", "ES", "PL"), missing=0.05),
    Trait("device", ("desktop", "mobile", "tablet")),
    Trait("source", ("search", "social", "ads", "referral", "partner")),
    Trait("plan", tuple(PLANS)),
)

_WORKDAY = (1, 1, 1, 1, 1, 2, 4, 8, 12, 14, 14, 12, 9, 12, 14, 14, 12, 9, 6, 5, 4, 3, 2, 1)
_WEEKEND = (1, 1, 1, 1, 1, 1, 1, 2, 3, 3, 4, 4, 3, 3, 3, 4, 4, 3, 3, 3, 3, 2, 2, 1)

# fmt: off
# employees: up to 10, 50, 200, 1000, 10000
SMALL = (0.45, 0.38, 0.13, 0.03, 0.01)
LARGE = (0.01, 0.04, 0.15, 0.40, 0.40)
MIXED = (0.25, 0.25, 0.20, 0.15, 0.15)

# pages: home, pricing, docs, blog, case study, careers; and searches
READS_DOCS = (0.18, 0.06, 0.50, 0.08, 0.06, 0.02, 0.10)
READS_PRICES = (0.18, 0.48, 0.08, 0.08, 0.06, 0.02, 0.10)
READS_BLOG = (0.18, 0.06, 0.08, 0.50, 0.06, 0.02, 0.10)
READS_ALL = (0.24, 0.20, 0.20, 0.18, 0.06, 0.02, 0.10)

# features: board, report, import, share, comment; api, automation, forecast
USES = (0.22, 0.18, 0.10, 0.12, 0.14, 0.10, 0.08, 0.06)

# forms: demo, contact, ebook, newsletter
ASKS_DEMO = (0.62, 0.14, 0.14, 0.10)
ASKS_READ = (0.06, 0.14, 0.45, 0.35)

# tickets: question, bug, billing
TICKETS = (0.50, 0.35, 0.15)

# replies to a mail, warm and cold: opened, clicked, unsubscribed
EAGER = ((0.25, 0.30, 0.005), (0.20, 0.10, 0.02))
LUKEWARM = ((0.25, 0.08, 0.01), (0.20, 0.05, 0.02))

COOLS = ((0.75, 0.25), (0.05, 0.95))
FADES = ((0.965, 0.035), (0.05, 0.95))
MAIL = 1 / 12


def _lead(warm, visit, reads, work, forms, asks, reply, opens) -> Habit:
    """``warm`` is P(warm in the first week); each pair is (warm, cold): bursts a day, or deals opened a day."""
    return Habit(
        start=(warm, 1 - warm),
        step=COOLS,
        flows={
            "visit": Flow(visit, reads, (1.2, 0.8)),
            "work": Flow(work, USES, (1.0, 0.5)),
            "form": Flow(forms, asks),
            "ad": Flow((0.03, 0.03), (0.8, 0.2)),
            "mail": Flow((MAIL, MAIL)),
        },
        reply=reply,
        hazard=opens,
    )


def _customer(work, visit, invites, tickets, reply, leaves, step=FADES) -> Habit:
    """Each pair is (warm, cold): bursts a day, or cancellations a day."""
    return Habit(
        start=(0.85, 0.15),
        step=step,
        flows={
            "work": Flow(work, USES, (0.8, 0.8)),
            "visit": Flow(visit, READS_ALL, (0.6, 0.6)),
            "invite": Flow(invites),
            "ticket": Flow(tickets, TICKETS),
            "mail": Flow((MAIL / 3, MAIL / 3)),
        },
        reply=reply,
        hazard=leaves,
    )


PERSONAS = (
    Persona(
        "maker",
        shares={"lead": 0.20, "direct": 0.30},
        traits={
            "employees": SMALL,
            "seniority": (0.15, 0.30, 0.25, 0.30),
            "source": (0.40, 0.15, 0.10, 0.30, 0.05),
            "plan": (0.76, 0.22, 0.02),
        },
        habits={
            "lead": _lead(0.9, (0.22, 0.05), READS_DOCS, (0.32, 0.03), (0.04, 0.01), ASKS_DEMO, EAGER, (0.100, 0.003)),
            "customer": _customer((0.24, 0.04), (0.03, 0.03), (0.02, 0.004), (0.02, 0.02), EAGER, (0.0003, 0.027)),
        },
        win=0.85,
    ),
    Persona(
        "comparer",
        shares={"lead": 0.10, "direct": 0.08},
        traits={
            "employees": SMALL,
            "seniority": (0.15, 0.20, 0.25, 0.40),
            "source": (0.35, 0.15, 0.35, 0.10, 0.05),
            "plan": (0.85, 0.15, 0.00),
        },
        habits={
            "lead": _lead(0.9, (0.22, 0.05), READS_PRICES, (0.06, 0.02), (0.06, 0.01), ASKS_DEMO, LUKEWARM, (0.003, 0.001)),
            "customer": _customer((0.24, 0.04), (0.03, 0.03), (0.01, 0.004), (0.02, 0.02), LUKEWARM, (0.0004, 0.027)),
        },
        win=0.5,
    ),
    Persona(
        "buyer",
        shares={"lead": 0.18, "direct": 0.26},
        traits={
            "employees": LARGE,
            "seniority": (0.05, 0.15, 0.45, 0.35),
            "source": (0.30, 0.05, 0.15, 0.20, 0.30),
            "plan": (0.02, 0.18, 0.80),
        },
        habits={
            "lead": _lead(0.9, (0.22, 0.05), READS_PRICES, (0.06, 0.02), (0.07, 0.01), ASKS_DEMO, EAGER, (0.100, 0.003)),
            "customer": _customer((0.05, 0.04), (0.06, 0.06), (0.005, 0.005), (0.01, 0.01), LUKEWARM, (0.0003, 0.0018)),
        },
        win=0.85,
    ),
    Persona(
        "tinkerer",
        shares={"lead": 0.14, "direct": 0.16},
        traits={
            "employees": LARGE,
            "seniority": (0.35, 0.45, 0.15, 0.05),
            "source": (0.45, 0.20, 0.05, 0.25, 0.05),
            "plan": (0.16, 0.68, 0.16),
        },
        habits={
            "lead": _lead(0.9, (0.22, 0.05), READS_DOCS, (0.32, 0.03), (0.02, 0.01), ASKS_READ, LUKEWARM, (0.003, 0.001)),
            "customer": _customer((0.24, 0.24), (0.04, 0.06), (0.005, 0.005), (0.03, 0.07), LUKEWARM, (0.0040, 0.0280)),
        },
        win=0.5,
    ),
    Persona(
        "reader",
        shares={"lead": 0.20},
        traits={
            "employees": MIXED,
            "seniority": (0.40, 0.30, 0.20, 0.10),
            "source": (0.25, 0.45, 0.10, 0.15, 0.05),
            "plan": (0.80, 0.20, 0.00),
        },
        habits={
            "lead": _lead(0.6, (0.18, 0.04), READS_BLOG, (0.04, 0.01), (0.05, 0.01), ASKS_READ, EAGER, (0.002, 0.001)),
            "customer": _customer((0.10, 0.03), (0.06, 0.04), (0.005, 0.005), (0.01, 0.01), EAGER, (0.003, 0.015)),
        },
        win=0.5,
    ),
    Persona(
        "agency",
        shares={"lead": 0.12, "direct": 0.20},
        traits={
            "employees": (0.15, 0.40, 0.30, 0.10, 0.05),
            "seniority": (0.15, 0.30, 0.40, 0.15),
            "source": (0.25, 0.10, 0.15, 0.20, 0.30),
            "plan": (0.18, 0.74, 0.08),
        },
        habits={
            "lead": _lead(0.8, (0.20, 0.05), READS_ALL, (0.15, 0.03), (0.04, 0.01), ASKS_DEMO, EAGER, (0.018, 0.003)),
            "customer": _customer((0.24, 0.04), (0.03, 0.03), (0.02, 0.004), (0.02, 0.02), EAGER, (0.0003, 0.027)),
        },
        win=0.7,
    ),
    Persona(
        "bot",
        shares={"lead": 0.06, "passer": 0.35},
        traits={"employees": MIXED, "source": (0.60, 0.10, 0.20, 0.10, 0.00)},
        habits={
            "lead": Habit(
                flows={
                    "visit": Flow((0.7, 0.7), READS_ALL, (3.0, 3.0)),
                    "form": Flow((0.10, 0.10), (0.25, 0.25, 0.25, 0.25)),
                    "ad": Flow((0.03, 0.03), (0.5, 0.5)),
                    "mail": Flow((MAIL, MAIL)),
                },
                reply=((0.02, 0.30, 0.0), (0.02, 0.30, 0.0)),
            ),
        },
        bot=True,
    ),
    Persona(
        "passer_by",
        shares={"passer": 0.65},
        traits={},
        habits={"lead": Habit(flows={
            "visit": Flow((0.06, 0.06), READS_ALL, (0.8, 0.8)),
            "ad": Flow((0.03, 0.03), (0.9, 0.1)),
        })},
    ),
)
# fmt: on

B2B = WorldSpec(
    name="b2b",
    start="2025-01-06T00:00:00Z",
    days=364,
    personas=PERSONAS,
    paths={"lead": 0.68, "direct": 0.23, "passer": 0.09},
    kinds=KINDS,
    traits=TRAITS,
    rhythm=Rhythm(_WORKDAY * 5 + _WEEKEND * 2),
    delay=Delay((0.10, 0.04), (0.1, 1.5)),
    duplicates=0.02,
    reply_latency=Latency(2 / 1440, 0.3),
    deal_latency=Latency(1.0, 5.0),
)
