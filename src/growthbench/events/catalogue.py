"""Event types and declared properties that growthbench knows by name.

An unknown event name is welcome in the log: it is counted like any other, it only means nothing to the shipped
features. A property that a feature shall read must be declared here (or in an import mapping): those named in
``PROPERTY_COLUMNS`` fill a column of ``events``, the others become rows of ``event_values``.
"""

from dataclasses import dataclass

from growthbench.events.schema import Kind


@dataclass(frozen=True)
class EventType:
    """One kind of event: its name, the group it belongs to (see `GROUPS`), and what it means."""

    name: str
    group: str
    about: str


@dataclass(frozen=True)
class Property:
    """A declared property or trait that has no column of its own: name, kind, meaning."""

    name: str
    kind: Kind
    about: str


GROUPS = ("visit", "interest", "commit", "use", "email", "ads", "support", "leave", "profile")
"""What an event says about a person; the classes of the intent task are made of these."""

EVENT_TYPES = (
    EventType("page_view", "visit", "a page was seen; category: home pricing docs blog case_study careers"),
    EventType("search", "visit", "a search on the site; item_id: the words"),
    EventType("identify", "profile", "traits of the person were told"),
    EventType("sign_up", "interest", "an account or lead was created; channel: where it came from"),
    EventType("form_submit", "interest", "a form was sent; category: demo contact ebook newsletter"),
    EventType("product_view", "interest", "a product page was seen"),
    EventType("cart_add", "interest", "a product was put into the cart"),
    EventType("cart_remove", "visit", "a product was taken out of the cart"),
    EventType("checkout", "commit", "checkout was begun"),
    EventType("purchase", "commit", "an order line was paid; amount and quantity are positive"),
    EventType("refund", "leave", "an order line was returned or cancelled; amount and quantity are negative"),
    EventType("login", "use", "the person came into the product"),
    EventType("feature_use", "use", "a feature was used; item_id: which one, category: core or advanced"),
    EventType("invite", "use", "a colleague was invited"),
    EventType("support_ticket", "support", "help was asked for; category: question bug billing"),
    EventType("email_delivered", "email", "an e-mail arrived; campaign: which one"),
    EventType("email_open", "email", "an e-mail was opened"),
    EventType("email_click", "email", "a link in an e-mail was followed"),
    EventType("email_unsubscribe", "leave", "no more e-mails, please"),
    EventType("ad_impression", "ads", "an ad was shown"),
    EventType("ad_click", "ads", "an ad was clicked; channel: search or social"),
    EventType("deal_opened", "commit", "sales opened a deal; amount: expected"),
    EventType("deal_won", "commit", "a lead became a customer; amount: contract"),
    EventType("deal_lost", "leave", "sales gave a lead up"),
    EventType("subscription_started", "commit", "a subscription began; amount: per month"),
    EventType("invoice_paid", "use", "a subscription was paid for another month"),
    EventType("subscription_cancelled", "leave", "a subscription ended"),
)

PROPERTIES = (
    Property("industry", "text", "trait: industry of the company"),
    Property("employees", "int", "trait: number of employees"),
    Property("seniority", "text", "trait: junior senior manager executive"),
    Property("country", "text", "trait: ISO 3166 two-letter code or a name"),
    Property("plan", "text", "trait: plan of the subscription"),
    Property("device", "text", "trait: desktop mobile tablet"),
    Property("source", "text", "trait: channel of the first touch"),
)


def group_of(name: str) -> str | None:
    """Group of an event name, None for a name nobody declared."""
    return _GROUP.get(name)


_GROUP = {t.name: t.group for t in EVENT_TYPES}
