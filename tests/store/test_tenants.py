from concurrent.futures import ThreadPoolExecutor

import pytest

from growthbench.base.errors import BadInputError, ConflictError, NotFoundError
from growthbench.store.audit import Audit
from growthbench.store.engine import open_store
from growthbench.store.plans import PLANS, Plan, limits_of
from growthbench.store.tenants import Tenants


def test_the_first_tenant_is_local_and_its_keys_are_shown_once(store, keyring):
    tenants = Tenants(store, keyring)
    tenant, keys = tenants.ensure_first()
    assert (tenant.tenant_id, tenant.plan, tenant.allowed()) == ("local", "local", Plan())
    assert tenants.keys.find(keys["write"]["key"]).role == "sender"
    assert tenants.keys.find(keys["secret"]["key"]).role == "service"
    assert tenants.ensure_first() == (tenant, None)
    assert len(tenants.keys.list("local")) == 2


def test_processes_that_start_at_once_make_one_first_tenant(store_url, store, keyring):
    def start(_):
        with open_store(store_url) as own:
            return Tenants(own, keyring).ensure_first()[1]

    with ThreadPoolExecutor(6) as pool:
        shown = [keys for keys in pool.map(start, range(6)) if keys]
    assert len(shown) == 1
    assert len(Tenants(store, keyring).keys.list("local")) == 2
    assert Audit(store).verify("local") is None


def test_a_tenant_can_be_made_without_keys(store, keyring):
    tenants = Tenants(store, keyring)
    assert tenants.ensure("local") == tenants.ensure("local")
    assert tenants.keys.list("local") == []
    assert tenants.ensure_first()[1] is None


def test_what_was_made_is_read_back(tenants):
    config = {"branding": {"name": "Shop", "logo_url": "https://shop.example/l.svg", "colour": "#aa00ff"}, "x": [1]}
    made = tenants.create("The Shop", "pro", "the-shop", "shop.example.com", config, {"burst_per_s": None})
    assert tenants.get("the-shop") == made
    assert made.allowed() == Plan(100_000, 10_000_000, None)
    assert [t.tenant_id for t in tenants.list()] == ["other", "shop", "the-shop"]
    assert tenants.create("nameless").tenant_id.startswith("tenant_")


def test_an_id_is_given_once(tenants):
    with pytest.raises(ConflictError, match="already"):
        tenants.create("again", tenant_id="shop")


def test_changes_replace_what_they_name_and_leave_the_rest(tenants):
    changed = tenants.update("shop", plan="pro", limits={"calls_a_day": 5}, actor="member_1")
    assert (changed.plan, changed.limits, changed.name) == ("pro", {"calls_a_day": 5}, "shop")
    assert changed == tenants.get("shop")
    assert tenants.get("other").plan == "free"
    row = tenants.audit.rows("shop", limit=1)[0]
    assert (row.actor, row.action, row.detail) == (
        "member_1",
        "tenant.changed",
        {"plan": "pro", "limits": {"calls_a_day": 5}},
    )
    assert tenants.update("shop", plan="pro") == changed
    assert tenants.audit.rows("shop", limit=1)[0] == row


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"plan": "gold"}, "plan"),
        ({"limits": {"calls": 1}}, "limits"),
        ({"limits": {"calls_a_day": -1}}, "limits"),
        ({"limits": {"calls_a_day": True}}, "limits"),
        ({"limits": {"calls_a_day": 1.5}}, "limits"),
        ({"limits": []}, "limits"),
        ({"config": {"branding": {"logo_url": "javascript:alert(1)"}}}, "config.branding.logo_url"),
        ({"config": {"branding": {"colour": "red;}"}}}, "config.branding.colour"),
        ({"config": {"branding": {"script": "x"}}}, "config.branding.script"),
        ({"config": {"branding": 1}}, "config.branding"),
        ({"config": {"x": "y" * 40_000}}, "config"),
        ({"domain": "shop.example.com/x"}, "domain"),
        ({"name": " "}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"created_at": 1}, "created_at"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(tenants, changes, field):
    before = tenants.get("shop")
    with pytest.raises(BadInputError) as caught:
        tenants.update("shop", **changes)
    assert caught.value.field == field
    assert tenants.get("shop") == before


def test_the_plan_without_limits_takes_none(tenants):
    with pytest.raises(BadInputError, match="no limits to override"):
        tenants.create("x", "local", limits={"calls_a_day": 1})


@pytest.mark.parametrize("tenant_id", ["nobody", "", "a\x00", "Shop"])
def test_an_unknown_tenant_is_not_found(tenants, tenant_id):
    with pytest.raises(NotFoundError):
        tenants.get(tenant_id)


@pytest.mark.parametrize("tenant_id", ["Shop", "-a", "a b", "x" * 64, "a/b", "é"])
def test_an_id_is_plain(tenants, tenant_id):
    with pytest.raises(BadInputError, match="tenant id"):
        tenants.create("x", tenant_id=tenant_id)


def test_plans_are_what_was_promised():
    assert PLANS["free"].calls_a_day == 1_000
    assert PLANS["pro"].calls_a_day == 100_000
    assert limits_of("free", {"events_a_day": None}) == Plan(1_000, None, 10)
    assert (PLANS["pro"].a_day("calls"), PLANS["pro"].a_day("events")) == (100_000, 10_000_000)
