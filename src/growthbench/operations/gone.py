"""Who of a backup is gone by now, and what of its rows must not come back."""

from collections import Counter
from collections.abc import Sequence
from functools import partial

from growthbench.operations.mentions import Mentions
from growthbench.operations.quarantined import Quarantined
from growthbench.operations.receipts import Receipt
from growthbench.operations.vault_file import Vault
from growthbench.people.subject import Subject
from growthbench.store.engine import Store
from growthbench.store.keyring import Keyring

_NO_KEY = "no key in the vault"
_ERASED = "erased since"


class Gone:
    """People whose key is not in the newest vault, or who have a receipt.

    Parameters
    ----------
    vault : Vault
    erased : list of Receipt
        Every erasure that anybody knows of.

    Attributes
    ----------
    buried : list of tuples
        Predictions that do not come back: tenant, id, and the receipt if there is one.
    """

    def __init__(self, vault: Vault, erased: list[Receipt], keyring: Keyring):
        self._keys, self._erased, self._keyring = vault.people, erased, keyring
        self._receipt = {(r.tenant, person): r for r in erased for person in r.persons}
        self._gone: dict[tuple[str, str], str] = {}
        self._read: set[str] = set()
        self._plain: dict[tuple[str, str], Receipt | None] = {}
        self.buried: list[tuple[str, str, Receipt | None]] = []

    def kept(self, table: str, columns: Sequence[str], rows: list[list]) -> list[tuple]:
        """Rows that may come back; people get their keys from the vault. People and erasures come first."""
        place = {name: i for i, name in enumerate(columns)}
        if table == "people":
            return self._people(rows, place)
        if table == "erasures":
            self._read |= {row[place["receipt_id"]] for row in rows}
        named = [place[name] for name in ("person", "member") if name in place and table != "erasures"]
        if not named or not (self._gone or self._erased):
            return [tuple(row) for row in rows]
        fine = []
        for row in rows:
            tenant = row[place["tenant_id"]]
            receipts = [r for i in named if (r := self._receipt_of(tenant, row[i])) is not None]
            if not receipts and not any((tenant, row[i]) in self._gone for i in named):
                fine.append(tuple(row))
            elif table == "predictions":
                self.buried.append((tenant, row[place["prediction_id"]], receipts[0] if receipts else None))
        return fine

    @property
    def later(self) -> list[Receipt]:
        """Erasures that the backup does not know of."""
        return [r for r in self._erased if r.receipt_id not in self._read]

    def _receipt_of(self, tenant: str, person: str | None) -> Receipt | None:
        if person is None or (tenant, person) in self._receipt:
            return self._receipt.get((tenant, person))
        if person.startswith("per_"):
            return None
        if (tenant, person) not in self._plain:  # logs from before there were person keys
            lookups = {("user", self._keyring.lookup(tenant, "user", person))}
            fitting = (r for r in self.later if r.tenant == tenant and lookups & set(r.lookups))
            self._plain[tenant, person] = next(fitting, None)
        return self._plain[tenant, person]

    def _people(self, rows: list[list], place: dict[str, int]) -> list[tuple]:
        fine = []
        for row in rows:
            tenant, person, had_key = (
                row[place["tenant_id"]],
                row[place["person"]],
                row[place["sealed_key"]] is not None,
            )
            if (tenant, person) in self._receipt:
                self._gone[tenant, person] = _ERASED
            elif had_key and person not in self._keys.get(tenant, {}):
                self._gone[tenant, person] = _NO_KEY
            else:
                row[place["sealed_key"]] = self._keys[tenant][person] if had_key else None
                fine.append(tuple(row))
        return fine

    def why(self) -> dict[str, int]:
        """How many people of the backup are gone, by reason."""
        return dict(Counter(self._gone.values()))

    def lost(self) -> dict[str, list[str]]:
        """People without a key and without a receipt, by tenant."""
        found: dict[str, list[str]] = {}
        for (tenant, person), why in self._gone.items():
            if why == _NO_KEY:
                found.setdefault(tenant, []).append(person)
        return found

    def again(self, store: Store) -> dict[str, int]:
        """Mentions of people who were erased after the backup, in rows that came back with it: masked or removed.

        Their ids are known by digest only, so every text is looked at; takes its time, and only if there is somebody.
        """
        found: Counter[str] = Counter()
        for tenant in sorted({r.tenant for r in self.later}):
            later = [r for r in self.later if r.tenant == tenant]
            subject = Subject(
                tenant,
                tuple(person for r in later for person in r.persons),
                frozenset(lookup for r in later for lookup in r.lookups),
                (),
                partial(self._keyring.lookup, tenant),
                max(r.requested_at for r in later),
                max(r.horizon for r in later),
            )
            for sweep in (Mentions(store, later[-1].receipt_id), Quarantined(store, self._keyring)):
                found[sweep.name] += sweep.erase(subject)
        return dict(found)
