"""Look whether an installation is well: one check after the other, each with what was seen and what to do."""

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from growthbench.base.errors import GrowthbenchError
from growthbench.base.settings import Settings

OK, WARN, FAIL = "ok", "warn", "fail"


@dataclass(frozen=True)
class Check:
    """One check: its name, ``ok``, ``warn`` or ``fail``, what was seen, and how long it took (s)."""

    name: str
    state: str
    told: str
    seconds: float = 0.0


Found = Iterator[tuple[str, str]]
"""States and what was seen; several are one check, as bad as the worst."""


def examine(settings: Settings) -> list[Check]:
    """All checks, in order. Nothing is changed."""
    from growthbench.operations import doctor_checks, doctor_people
    from growthbench.store.engine import open_store
    from growthbench.store.keyring import Keyring

    done = [_run("disk space", lambda: doctor_checks.disk(settings))]
    if settings.redis_url:
        done.append(_run("redis", lambda: doctor_checks.redis(settings.redis_url)))
    opened: list[Any] = []
    done.append(_run("store", lambda: doctor_checks.opened(settings, opened, open_store)))
    rings: list[Any] = []
    done.append(_run("key ring", lambda: doctor_people.ring(settings, rings, Keyring)))
    if not opened:
        return done
    store, ring = opened[0], rings[0] if rings else None
    try:
        done += [
            _run("integrity", lambda: doctor_checks.integrity(store)),
            _run("clock", lambda: doctor_checks.clock(store)),
            _run("log numbers", lambda: doctor_checks.numbers(store)),
            _run("tail readers", lambda: doctor_checks.tails(store)),
            _run("audit chain", lambda: doctor_checks.audit_chain(store)),
            _run("models", lambda: doctor_checks.models(store, settings.home)),
        ]
        if ring is not None:
            done.append(_run("sealed samples", lambda: doctor_people.samples(store, ring)))
        done.append(_run("erasures", lambda: doctor_people.unfinished(store)))
        done.append(_run("backups", lambda: doctor_people.vaults(store, settings.home)))
    finally:
        store.close()
    return done


def told(checks: list[Check]) -> dict[str, Any]:
    """Plain data for ``--json``."""
    worst = FAIL if any(c.state == FAIL for c in checks) else WARN if any(c.state == WARN for c in checks) else OK
    return {"state": worst, "checks": [asdict(c) for c in checks]}


def _run(name: str, check: Callable[[], Found]) -> Check:
    started = time.perf_counter()
    try:
        found = list(check())
    except (GrowthbenchError, OSError) as exc:
        found = [(FAIL, str(exc))]
    except Exception as exc:  # a check that breaks is a failed check, not the end of the others
        found = [(FAIL, f"{exc.__class__.__name__}: {exc}")]
    state = next((s for s in (FAIL, WARN) if s in dict(found)), OK)
    said = "; ".join(text for s, text in found if s == state) or "nothing to look at"
    return Check(name, state, " ".join(said.split()), round(time.perf_counter() - started, 3))
