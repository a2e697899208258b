"""Checks of the doctor: machine, store, log, models. Each yields states and what was seen."""

import shutil
from pathlib import Path

from sqlalchemy import func, select, text

from growthbench.base.clock import now_us
from growthbench.base.settings import Settings
from growthbench.events.tables import log_heads
from growthbench.operations.all_tables import TABLES, check_complete
from growthbench.operations.doctor import FAIL, OK, WARN, Found
from growthbench.operations.freed_numbers import missing
from growthbench.operations.receipts import receipts
from growthbench.store.audit import Audit
from growthbench.store.engine import Store
from growthbench.store.message_tables import tail_heads
from growthbench.store.tables import SCHEMA_VERSION
from growthbench.store.tenant_tables import audit

_LEAST_FREE = 500e6  # bytes
_LAG = 10_000  # events
_SECOND = 1_000_000


def disk(settings: Settings) -> Found:
    """Room for the store to be written anew once, as an erasure does."""
    folder = settings.home if settings.home.is_dir() else Path.cwd()
    free = shutil.disk_usage(folder).free
    url = settings.database_url.removeprefix("sqlite:///")
    size = Path(url).stat().st_size if settings.database_url.startswith("sqlite") and Path(url).is_file() else 0
    wanted = max(_LEAST_FREE, 2.2 * size)
    state = OK if free >= wanted else FAIL if free < _LEAST_FREE / 5 else WARN
    yield state, f"{free / 1e9:,.1f} GB free at {folder}" + ("" if state == OK else f", {wanted / 1e9:.1f} GB wanted")


def redis(url: str) -> Found:
    """Whether Redis answers."""
    from redis import Redis, RedisError

    try:
        with Redis.from_url(url, socket_timeout=3, socket_connect_timeout=3) as client:
            client.ping()
            yield OK, f"version {client.info('server')['redis_version']}"
    except RedisError as exc:
        yield FAIL, f"does not answer: {exc}"


def opened(settings: Settings, into: list, open_store) -> Found:
    """Whether the store opens, and its schema is this version's."""
    if settings.database_url.startswith("sqlite:///") and not Path(settings.database_url[10:]).is_file():
        yield FAIL, f"there is none at {settings.database_url[10:]} yet: start the service or import events"
        return
    store = open_store(settings.database_url)
    into.append(store)
    with store.reading() as connection:
        version = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        check_complete(connection)
    yield (OK if version == SCHEMA_VERSION else FAIL), f"{store.dialect}, schema {version}"


def integrity(store: Store) -> Found:
    """SQLite: every page and index. PostgreSQL: every table can be read, every index is valid."""
    with store.reading() as connection:
        if store.dialect == "sqlite":
            found = list(connection.execute(text("PRAGMA integrity_check(5)")).scalars())
            yield (OK, "every page and index is in order") if found == ["ok"] else (FAIL, "; ".join(found))
            return
        rows = sum(connection.execute(select(func.count()).select_from(t)).scalar_one() for t in TABLES.values())
        broken = connection.execute(
            text("SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid AND indrelid = ANY(:tables)"),
            {"tables": [connection.execute(text("SELECT to_regclass(:n)::oid"), {"n": n}).scalar() for n in TABLES]},
        )
        bad = list(broken.scalars())
        yield (FAIL, f"invalid indexes: {', '.join(bad)}") if bad else (OK, f"{rows:,} rows read, all indexes valid")


def clock(store: Store) -> Found:
    """Our clock beside the database's, and beside the last thing that the log received."""
    with store.reading() as connection:
        ahead = max(connection.execute(select(log_heads.c.received_at)).scalars(), default=0) - now_us()
        apart = 0.0
        if store.dialect == "postgresql":
            theirs = connection.execute(text("SELECT extract(epoch FROM clock_timestamp())")).scalar()
            apart = abs(float(theirs) - now_us() / _SECOND)
    if ahead > 5 * _SECOND:
        yield FAIL, f"the log received something {ahead / _SECOND:,.0f} s from now: the clock was set back"
    if apart > 5:
        yield FAIL, f"{apart:,.0f} s apart from PostgreSQL's"
    yield OK, "in order"


def numbers(store: Store) -> Found:
    """The log's numbers from 1 to the last: no gaps but those that erasures made."""
    with store.reading() as connection:
        freed: dict[str, int] = {}
        for receipt in receipts(connection):
            freed[receipt.tenant] = freed.get(receipt.tenant, 0) + receipt.numbers
        for tenant, head in connection.execute(select(log_heads.c.tenant_id, log_heads.c.seq)).all():
            gaps, known = missing(connection, tenant, head), freed.get(tenant, 0)
            if gaps > known:
                yield (
                    FAIL,
                    f"tenant {tenant}: {gaps - known:,} of {head:,} numbers are missing, erasures explain {known:,}",
                )
            elif gaps < 0:
                yield FAIL, f"tenant {tenant}: the log holds {-gaps:,} numbers behind its last, {head:,}"
            else:
                yield OK, f"{tenant}: 1 to {head:,}" + (f", {gaps:,} erased" if gaps else "")


def tails(store: Store) -> Found:
    """How far the readers of the log's tail are behind."""
    with store.reading() as connection:
        heads = dict(connection.execute(select(log_heads.c.tenant_id, log_heads.c.seq)).all())
        query = select(tail_heads.c.tenant_id, tail_heads.c.reader, tail_heads.c.seq)
        for tenant, reader, seq in connection.execute(query):
            if reader == "profile" or reader.endswith(":events"):
                lag = heads.get(tenant, 0) - seq
                yield (WARN if lag > _LAG else OK), f"{tenant}/{reader} is {lag:,} events behind"


def audit_chain(store: Store) -> Found:
    """Every row of every chain."""
    with store.reading() as connection:
        tenants = list(connection.execute(select(audit.c.tenant_id).distinct()).scalars())
    for tenant in sorted(tenants):
        broken = Audit(store).verify(tenant)
        if broken is None:
            yield OK, f"{tenant}: {Audit(store).head(tenant)[0]:,} rows"
        else:
            yield FAIL, f"tenant {tenant}: row {broken:,} is missing or was altered"


def models(store: Store, home: Path) -> Found:
    """Every deployed model is what was deployed, and reproduces its golden rows."""
    from growthbench.base.errors import ArtifactError
    from growthbench.learning.artifact import load_model
    from growthbench.predictions.deployments import model_folder, model_version
    from growthbench.predictions.tables import deployments

    with store.reading() as connection:
        rows = connection.execute(select(deployments.c.task, deployments.c.champion, deployments.c.challenger)).all()
    for task, digest in sorted({(row.task, d) for row in rows for d in (row.champion, row.challenger) if d}):
        try:
            same = load_model(model_folder(home, task, digest)).digest == digest
        except ArtifactError as exc:
            yield FAIL, f"{model_version(task, digest)}: {exc}"
            continue
        yield (OK if same else FAIL), f"{model_version(task, digest)}{'' if same else ' is another model'}"
