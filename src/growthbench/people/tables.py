"""Tables of people. Ids and traits lie in them sealed, or as keyed digests (``lookup``); nothing else names anybody."""

from sqlalchemy import Column, Index, Table

from growthbench.store.tables import BYTES, INT, TEXT, metadata

people = Table(
    "people",
    metadata,
    Column("tenant_id", TEXT, primary_key=True),
    Column("person", TEXT, primary_key=True),
    Column("sealed_key", BYTES),
    Column("merged_into", TEXT),
    Column("created_at", INT, nullable=False),
    sqlite_with_rowid=False,
)
"""``person`` is random; ``sealed_key`` the person's own key, sealed by the key ring: without it whatever it sealed is
unreadable. ``merged_into`` names the person whom this one belongs to now."""
Index("people_by_root", people.c.tenant_id, people.c.merged_into)

identities = Table(
    "identities",
    metadata,
    Column("tenant_id", TEXT, primary_key=True),
    Column("kind", TEXT, primary_key=True),
    Column("lookup", TEXT, primary_key=True),
    Column("person", TEXT, nullable=False),
    Column("sealed", BYTES, nullable=False),
    Column("created_at", INT, nullable=False),
    Column("seq", INT, nullable=False),
    sqlite_with_rowid=False,
)
"""``kind`` is user, anonymous, email or phone; ``lookup`` a keyed digest of the id, ``sealed`` the id under the
person's key; ``seq`` the log's number when the id became known."""
Index("identities_by_person", identities.c.tenant_id, identities.c.person)

links = Table(
    "links",
    metadata,
    Column("tenant_id", TEXT, primary_key=True),
    Column("person", TEXT, primary_key=True),
    Column("member", TEXT, primary_key=True),
    Column("seq", INT, primary_key=True, autoincrement=False),
    Column("received_at", INT, nullable=False),
    Column("until_seq", INT),
    Column("until_received_at", INT),
    Column("reason", TEXT, nullable=False),
    sqlite_with_rowid=False,
)
"""``member``'s events count as ``person``'s for who sees ``seq`` and not yet ``until_seq``: both numbers of the log."""
Index("links_by_member", links.c.tenant_id, links.c.member)

profiles = Table(
    "profiles",
    metadata,
    Column("tenant_id", TEXT, primary_key=True),
    Column("person", TEXT, primary_key=True),
    Column("first_seen", INT, nullable=False),
    Column("last_seen", INT, nullable=False),
    Column("session_start", INT, nullable=False),
    Column("session_events", INT, nullable=False),
    Column("events", INT, nullable=False),
    Column("seq", INT, nullable=False),
    sqlite_with_rowid=False,
)
"""Of roots only (people not merged into another): their members' events are theirs."""

profile_traits = Table(
    "profile_traits",
    metadata,
    Column("tenant_id", TEXT, primary_key=True),
    Column("person", TEXT, primary_key=True),
    Column("trait", TEXT, primary_key=True),
    Column("value", BYTES, nullable=False),
    Column("timestamp", INT, nullable=False),
    Column("seq", INT, nullable=False),
    sqlite_with_rowid=False,
)
"""Newest value of each trait by (timestamp, seq), its JSON sealed under the person's key."""

consents = Table(
    "consents",
    metadata,
    Column("tenant_id", TEXT, primary_key=True),
    Column("person", TEXT, primary_key=True),
    Column("number", INT, primary_key=True, autoincrement=False),
    Column("purpose", TEXT, nullable=False),
    Column("channel", TEXT, nullable=False),
    Column("state", TEXT, nullable=False),
    Column("source", TEXT, nullable=False),
    Column("detail", TEXT),
    Column("at", INT, nullable=False),
    Column("received_at", INT, nullable=False),
    sqlite_with_rowid=False,
)
"""The consent ledger, append only."""

erasures = Table(
    "erasures",
    metadata,
    Column("tenant_id", TEXT, primary_key=True),
    Column("receipt_id", TEXT, primary_key=True),
    Column("person", TEXT, nullable=False),
    Column("lookups", TEXT, nullable=False),
    Column("stores", TEXT, nullable=False),
    Column("digest", TEXT, nullable=False),
    Column("requested_at", INT, nullable=False),
    Column("done_at", INT, nullable=False),
    sqlite_with_rowid=False,
)
"""Receipts. ``lookups`` are keyed digests of the ids that were erased, ``stores`` JSON: what was removed where."""
Index("erasures_by_person", erasures.c.tenant_id, erasures.c.person)

erased_predictions = Table(
    "erased_predictions",
    metadata,
    Column("tenant_id", TEXT, primary_key=True),
    Column("prediction_id", TEXT, primary_key=True),
    Column("receipt_id", TEXT, nullable=False),
    Column("erased_at", INT, nullable=False),
    sqlite_with_rowid=False,
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("tenant_id", TEXT, primary_key=True),
    Column("quarantine_id", TEXT, primary_key=True),
    Column("reason", TEXT, nullable=False),
    Column("field", TEXT),
    Column("source", TEXT, nullable=False),
    Column("lookups", TEXT, nullable=False),
    Column("raw", BYTES, nullable=False),
    Column("received_at", INT, nullable=False),
    Column("replayed_at", INT),
    sqlite_with_rowid=False,
)
"""Refused events as they came, sealed under the tenant's key; ``lookups`` holds keyed digests of the ids they name, so
that erasing a person finds them."""
