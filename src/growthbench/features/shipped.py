"""The features that growthbench ships: every one is read by a model or a rule."""

from growthbench.features.catalogue import Catalogue
from growthbench.features.grammar import (
    active_days,
    among_last,
    count,
    distinct,
    last,
    mean,
    mean_gap,
    minutes,
    on,
    recency,
    sessions,
    share,
    tenure,
    top,
    total,
    trait,
    trend,
)

CATALOGUE = Catalogue(
    # visits
    count("page_views", on("page_view"), windows=(7, 30), about="Pages seen"),
    count("pricing_views", on("page_view", category="pricing"), windows=(30,), about="Pricing pages seen"),
    count("docs_views", on("page_view", category="docs"), windows=(30,), about="Documentation pages seen"),
    count("demo_forms", on("form_submit", category="demo"), windows=(30,), about="Demos asked for"),
    count("forms", on("form_submit"), windows=(90,), about="Forms sent"),
    active_days("active_days", windows=(30,), about="Days with any event"),
    sessions("sessions", idle=minutes(30), windows=(30,), about="Visits, ended by 30 idle minutes"),
    # use of the product
    count("feature_uses", on("feature_use"), windows=(7, 30), about="Uses of product features"),
    trend("use_trend", on("feature_use"), short=7, long=30, about="Daily use of the last week over that of the month"),
    distinct("distinct_features", on("feature_use"), of="item_id", windows=(30,), unit="features",
             about="Different product features used"),
    count("logins", on("login"), windows=(30,), about="Logins"),
    count("invites", on("invite"), windows=(90,), about="Colleagues invited"),
    count("tickets", on("support_ticket"), windows=(30,), about="Support tickets"),
    # marketing
    count("email_delivered", on("email_delivered"), windows=(30,), about="E-mails delivered"),
    share("email_click_rate", on("email_click"), on("email_delivered"), windows=(30,),
          about="Clicks per delivered e-mail"),
    count("ad_clicks", on("ad_click"), windows=(30,), about="Clicks on ads"),
    # the shop
    count("purchases", on("purchase"), windows=(30, 90, None), about="Order lines paid"),
    total("revenue", on("purchase"), of="amount", windows=(90,), about="Revenue"),
    mean("aov", on("purchase"), of="amount", about="Mean amount of an order line"),
    count("refunds", on("refund"), windows=(90,), about="Order lines returned"),
    count("carts", on("cart_add"), windows=(30,), about="Products put into the cart"),
    count("product_views", on("product_view"), windows=(30,), about="Product pages seen"),
    distinct("distinct_items", on("product_view", "cart_add", "purchase"), of="item_id", windows=(30,), unit="items",
             about="Different products seen, put into the cart or bought"),
    top("top_category", on("page_view", "product_view", "purchase"), of="category",
        about="Category seen or bought most often"),
    # rhythm
    recency("since_last_event", about="Time since the newest event"),
    recency("since_last_purchase", on("purchase"), about="Time since the newest purchase"),
    tenure("tenure", about="Time since the oldest event"),
    mean_gap("mean_gap", about="Mean pause between events"),
    last("last_channel", of="channel", about="Channel of the newest event that has one"),
    last("last_name", of="name", about="Name of the newest event"),
    # the newest 50 events
    among_last("visits_of_50", on(group="visit"), n=50, about="Visits among the newest 50 events"),
    among_last("interests_of_50", on(group="interest"), n=50, about="Signs of interest among the newest 50 events"),
    among_last("commits_of_50", on(group="commit"), n=50, about="Commitments among the newest 50 events"),
    among_last("uses_of_50", on(group="use"), n=50, about="Product use among the newest 50 events"),
    among_last("support_of_50", on(group="support"), n=50, about="Calls for help among the newest 50 events"),
    # who it is
    trait("industry", about="Industry of the company"),
    trait("employees", unit="people", about="Employees of the company"),
    trait("seniority", about="Seniority of the person"),
    trait("country", about="Country"),
    trait("plan", about="Plan of the subscription"),
    trait("device", about="Device"),
    trait("source", about="Channel of the first touch"),
)  # fmt: skip
"""What models and rules choose from with `Catalogue.select`."""
