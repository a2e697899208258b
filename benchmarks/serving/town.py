"""A home with a log of millions of events about people who have user ids, and a model that scores them from it."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from sqlalchemy import insert

from growthbench.base.clock import DAY_US, now_us
from growthbench.base.settings import Settings
from growthbench.events.heads import lock_head, move_head
from growthbench.features.shipped import CATALOGUE
from growthbench.learning.artifact import save_artifact
from growthbench.learning.calibration import Calibration
from growthbench.learning.columns import Column
from growthbench.learning.encoder import Encoder
from growthbench.learning.thresholds import Thresholds
from growthbench.people.directory import Directory, Ident
from growthbench.predictions.deployments import deploy
from growthbench.store.engine import Store, open_store
from growthbench.store.inserting import write_tuples
from growthbench.store.keyring import Keyring
from growthbench.store.message_tables import tail_heads

TASK = "churn"
EVENTS_EACH = 100
FEATURES = (
    "purchases_30d", "purchases_90d", "purchases_all", "revenue_90d", "aov", "refunds_90d", "carts_30d",
    "product_views_30d", "distinct_items_30d", "page_views_30d", "active_days_30d", "sessions_30d",
    "email_click_rate_30d", "ad_clicks_30d", "since_last_event", "since_last_purchase", "mean_gap", "tenure",
    "top_category", "last_channel", "country", "device", "source",
)  # fmt: skip
"""What the shipped churn task reads of a shop's customers."""

_NAMES = ("page_view", "product_view", "cart_add", "purchase", "email_delivered", "email_click", "ad_click", "refund")
_WEIGHTS = (0.42, 0.24, 0.1, 0.06, 0.1, 0.03, 0.04, 0.01)
_CATEGORIES = ("shoes", "shirts", "bags", "books")
_CHANNELS = ("web", "email", "ads", "social")
_TRAITS = {"country": ("DE", "FR", "US"), "device": ("phone", "desktop"), "source": ("search", "ads", "friend")}
_EVENT = ("tenant_id", "person", "timestamp", "event_id", "name", "received_at", "seq", "day", "item_id", "category",
          "channel", "currency", "amount")  # fmt: skip
_VALUE = ("tenant_id", "person", "timestamp", "event_id", "key", "name", "received_at", "seq", "text_value")
_PART = 1_000


def build(settings: Settings, events: int, seed: int = 0) -> list[str]:
    """Fill a fresh home, deploy its model, and return the user ids.

    Parameters
    ----------
    settings : Settings
    events : int
        About so many; a hundred for each person.
    """
    users = [f"user-{i}" for i in range(max(1, events // (EVENTS_EACH + 1)))]
    rng = np.random.default_rng(seed)
    with open_store(settings.database_url) as store:
        directory = Directory(store, Keyring.open(settings.home), settings.tenant)
        for start in range(0, len(users), _PART):
            _settle(store, directory, settings.tenant, users[start : start + _PART], rng)
        with store.writing() as connection:  # profiles are not measured here, and would be made while we measure
            head = lock_head(connection, settings.tenant)
            row = {"tenant_id": settings.tenant, "reader": "profile", "seq": head.seq}
            connection.execute(insert(tail_heads).values(**row))
        folder = _trained(store, directory, settings, users, rng)
        deploy(store, settings.home, settings.tenant, TASK, folder, "run-bench")
    return users


def _settle(store: Store, directory: Directory, tenant: str, users: list[str], rng) -> None:
    now = now_us()
    with store.writing() as connection:
        head = lock_head(connection, tenant)
        persons = directory.resolve(connection, [Ident("user", user) for user in users], head.seq)
        rows = sorted(_events(tenant, persons, now, head.seq, rng), key=lambda row: row[1:4])
        write_tuples(connection, "events", _EVENT, rows)
        write_tuples(connection, "event_values", _VALUE, sorted(_traits(tenant, rows, rng)))
        move_head(connection, tenant, head.seq + len(rows), now)


def _events(tenant: str, persons: list[str], now: int, seq: int, rng) -> Iterator[tuple]:
    for person in persons:
        ages = rng.gamma(0.6, 90 * DAY_US, EVENTS_EACH).astype(np.int64) + 1_000_000
        names = rng.choice(len(_NAMES), EVENTS_EACH, p=_WEIGHTS)
        items, kinds = rng.integers(0, 500, EVENTS_EACH), rng.integers(0, 4, EVENTS_EACH)
        amounts = rng.integers(500, 20_000, EVENTS_EACH)
        drawn = zip(ages.tolist(), names.tolist(), items.tolist(), kinds.tolist(), amounts.tolist())
        for age, name, item, kind, amount in drawn:
            seq += 1
            at, name = now - age, _NAMES[name]
            paid = name in ("purchase", "refund")
            yield (tenant, person, at, f"e{seq}", name, at, seq, at // DAY_US, f"sku-{item}", _CATEGORIES[kind],
                   _CHANNELS[kind], "EUR" if paid else None, amount if paid else None)  # fmt: skip
        seq += 1
        at = now - 400 * DAY_US
        yield (tenant, person, at, f"e{seq}", "identify", at, seq, at // DAY_US, None, None, None, None, None)


def _traits(tenant: str, rows: list[tuple], rng) -> Iterator[tuple]:
    for row in rows:
        if row[4] == "identify":
            for key, values in _TRAITS.items():
                yield (tenant, row[1], row[2], row[3], key, "identify", row[5], row[6], str(rng.choice(values)))


def _trained(store: Store, directory: Directory, settings: Settings, users: list[str], rng) -> Path:
    """A model of 300 trees on the features of some of the people; what it predicts does not matter here."""
    import xgboost

    plan = CATALOGUE.select(FEATURES).plan()
    some = [Ident("user", users[i]) for i in rng.integers(0, len(users), 3_000)]
    with store.reading() as connection:
        persons = directory.find(some, connection)
        columns = plan.compute(connection, settings.tenant, persons, now_us(), 10**15)
    kinds = {"number": "number", "text": "category"}
    described = [Column(c.name, kinds[c.dtype], c.unit, c.about) for c in plan.columns]
    texts = {c.name: sorted({v for v in columns[c.name] if v is not None}) for c in described if c.kind == "category"}
    encoder = Encoder(described, texts)
    matrix = encoder.encode(columns)
    label = (np.nan_to_num(matrix[:, :10]).sum(1) + rng.normal(size=len(matrix)) * 30 > 60).astype(int)
    rows = xgboost.DMatrix(matrix, label, feature_types=encoder.feature_types, enable_categorical=True)
    params = {"objective": "binary:logistic", "max_depth": 6, "eta": 0.1, "nthread": 1, "seed": 0}
    booster = bytes(xgboost.train(params, rows, 300).save_raw("ubj"))
    folder = settings.home / "made" / TASK
    save_artifact(
        folder,
        task=TASK,
        kind="binary",
        classes=("no", "yes"),
        members=[(booster, 1.0)],
        encoder=encoder,
        calibration=Calibration("platt", (0.9, -0.1)),
        golden={name: values[:8] for name, values in columns.items()},
        thresholds=Thresholds(bands=("low", "medium", "high"), cuts=(0.3, 0.6)),
        plan_json=json.dumps(plan.to_json()),
        feature_hash=plan.hash,
        source="benchmarks/serving",
    )
    return folder
