"""A small town: people who came in through the Door's intake, one of whom leaves a trace in every store."""

import json
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

JANE, MAIL, COOKIE, PHONE = "jane-4711", "Jane.Doe@example.org", "cookie-77f3a1", "+49 151 2345678"
NEEDLES = tuple(text.encode() for text in (JANE, MAIL, COOKIE, PHONE, MAIL.lower()))


@dataclass
class Town:
    """A store and a home with people in it."""

    store: object
    home: Path
    keyring: object
    url: str
    tenant: str = "local"
    persons: dict = field(default_factory=dict)

    def send(self, *messages, tenant=None):
        """Take Segment messages in, as the Door does; refused ones go into quarantine."""
        from growthbench.base.clock import now_us
        from growthbench.base.errors import BadInputError
        from growthbench.events.segment import read_message
        from growthbench.people.directory import Directory
        from growthbench.people.intake import Batch, Intake
        from growthbench.people.quarantine import refused

        tenant = tenant or self.tenant
        fine, wrong = [], []
        for message in messages:
            raw = json.dumps(message).encode()
            try:
                fine.append(read_message(raw, None, now_us()))
            except BadInputError as exc:
                wrong.append(refused(self.keyring, tenant, raw, str(exc), exc.field, "batch", now_us()))
        intake = Intake(lambda name: Directory(self.store, self.keyring, name))
        with self.store.writing() as connection:
            return intake.write(connection, [Batch(tenant, fine, wrong)])[0]

    def find(self, *idents, tenant=None):
        """Person keys of ids."""
        from growthbench.people.directory import Directory, Ident

        return Directory(self.store, self.keyring, tenant or self.tenant).find([Ident.of(i) for i in idents])

    def bytes_anywhere(self, needle: bytes) -> list[str]:
        """Files under the home that hold some bytes, and whether a fresh dump of PostgreSQL does."""
        found = [str(p) for p in self.home.rglob("*") if p.is_file() and needle in p.read_bytes()]
        if self.store.dialect == "postgresql":
            found += ["pg_dump"] * (needle in self.dump())
        return found

    def dump(self) -> bytes:
        """A fresh pg_dump of the test's schema."""
        url = self.store.engine.url
        schema = url.query["options"].split("search_path=")[1]
        command = ["pg_dump", "--schema", schema, "--inserts", "--host", url.host or "localhost"]
        command += ["--port", str(url.port or 5432), url.database]
        command += ["--username", url.username] if url.username else []
        env = {**os.environ, **({"PGPASSWORD": url.password} if url.password else {})}
        return subprocess.run(command, capture_output=True, check=True, env=env).stdout

    def counts(self) -> dict[str, int]:
        """Rows by table."""
        import sqlalchemy as sa

        from growthbench.store.tables import metadata

        with self.store.reading() as connection:
            return {
                t.name: connection.execute(sa.select(sa.func.count()).select_from(t)).scalar_one()
                for t in metadata.sorted_tables
            }


def message(kind, user=None, anonymous=None, id=None, **more):  # noqa: A002
    """A Segment message."""
    given = {"type": kind, "userId": user, "anonymousId": anonymous, "messageId": id, **more}
    return {name: value for name, value in given.items() if value is not None}


def build(store, home, keyring, url):
    """Jane (who was a cookie first) and Bob, with traces of Jane wherever there can be any."""
    from growthbench.store.tenants import Tenants

    Tenants(store, keyring).ensure_first("local")
    town = Town(store, home, keyring, url)
    first = {"email": "bob@example.org", "plan": "pro"}
    town.send(
        *[message("page", anonymous=COOKIE, id=f"c{i}", properties={"path": f"/p{i}"}) for i in range(3)],
        message("identify", "bob", id="b0", traits=first),
        *[message("track", "bob", id=f"b{i}", event="login") for i in range(1, 6)],
    )
    told = {"email": MAIL, "phone": PHONE, "plan": "free"}
    town.send(
        message("identify", JANE, COOKIE, id="j0", traits=told),
        *[message("track", JANE, id=f"j{i}", event="login", properties={"note": "a wish"}) for i in range(1, 9)],
        message("track", "bob", id="b9", event="invite", properties={"item_id": f"to {MAIL}"}),
        message("page", "bob", id="b10", properties={"path": f"/u/{JANE}/wall"}),
        message("track", JANE, id="q1"),
        message("nonsense", "someone", id="q2", properties={"cc": MAIL}),
        message("nonsense", "bob", id="q3"),
    )
    jane, bob, cookie = town.find(JANE, "bob", f"anonymous:{COOKIE}")
    town.persons = {"jane": jane, "bob": bob, "cookie": cookie}
    _rows_elsewhere(town)
    _files(town)
    return town


def _rows_elsewhere(town):
    import sqlalchemy as sa

    from growthbench.base.clock import now_us
    from growthbench.people.consent import ConsentLedger
    from growthbench.predictions.tables import predictions
    from growthbench.store.message_tables import channel_messages, webhook_deliveries

    now = now_us()
    said = {"tenant_id": "local", "task": "churn", "feature_hash": "f", "model_digest": "m", "score": 0.5,
            "confidence": 0.5, "created_at": now, "role": "champion"}  # fmt: skip
    who = {"jane": town.persons["jane"], "bob": town.persons["bob"], "cookie": town.persons["cookie"]}
    rows = [{**said, "prediction_id": f"pred_{n}", "person": p, "moment": now, "horizon": 5, "given": None}
            for n, p in who.items()]  # fmt: skip
    given = {"person": None, "moment": None, "horizon": None}
    rows.append({**said, **given, "prediction_id": "pred_text", "given": json.dumps({"text": f"my mail: {MAIL}."})})
    rows.append({**said, **given, "prediction_id": "pred_other", "given": json.dumps({"text": "hello"})})
    message = {"tenant_id": "local", "topic": "scores", "created_at": now}
    messages = [
        {**message, "seq": 1, "person": who["jane"], "body": "{}"},
        {**message, "seq": 2, "person": None, "body": json.dumps({"user_id": JANE})},
        {**message, "seq": 3, "person": who["bob"], "body": "{}"},
    ]
    sent = {"tenant_id": "local", "webhook_id": "w", "topic": "scores", "state": "waiting", "attempts": 0,
            "next_at": now, "created_at": now}  # fmt: skip
    deliveries = [
        {**sent, "delivery_id": "d1", "person": who["jane"], "body": json.dumps({"user_id": JANE})},
        {**sent, "delivery_id": "d2", "person": who["bob"], "body": json.dumps({"user_id": "bob"})},
    ]
    with town.store.writing() as connection:
        connection.execute(sa.insert(predictions), rows)
        connection.execute(sa.insert(channel_messages), messages)
        connection.execute(sa.insert(webhook_deliveries), deliveries)
    ledger = ConsentLedger(town.store)
    for person in (who["jane"], who["bob"]):
        ledger.record("local", person, "marketing", "granted", "email", "tests")


def _files(town):
    import pyarrow as pa
    import pyarrow.parquet as pq

    from growthbench.events.lake import Lake
    from growthbench.events.log import EventLog

    EventLog(town.store).export(Lake(town.home / "lakes" / "store-local", "store"))
    refused = town.home / "quarantine" / "crm.jsonl"
    refused.parent.mkdir(parents=True)
    refused.write_text(
        "".join(json.dumps({"row": i, "raw": {"id": who}}) + "\n" for i, who in enumerate((JANE, "bob")))
    )
    run = town.home / "mlruns" / "1" / ("a" * 32) / "artifacts" / "evaluation.parquet"
    run.parent.mkdir(parents=True)
    keys = [f"{person}@2026-01-01T00:00" for person in town.persons.values()]
    pq.write_table(pa.table({"key": keys, "label": [0, 1, 0]}), run)
