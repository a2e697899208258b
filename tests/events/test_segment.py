import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from growthbench.base.clock import SECOND_US, to_us
from growthbench.base.errors import BadInputError
from growthbench.events.segment import MAX_MESSAGE_BYTES, read_message

NOW = to_us("2026-11-21T12:00:00Z")


def read(kind=None, sent_at=None, **message):
    message.setdefault("userId", "u1")
    return read_message(json.dumps(message).encode(), kind, NOW, sent_at)


def test_a_track_message_becomes_an_event_of_its_name():
    found = read("track", event="Order Completed", messageId="m1", timestamp="2026-11-21T10:00:00Z",
                 properties={"revenue": 19.99, "currency": "EUR", "product_id": 507, "colour": "red"})  # fmt: skip
    row = found.row
    assert (row.name, row.event_id, row.timestamp) == ("Order Completed", "m1", to_us("2026-11-21T10:00:00Z"))
    assert (row.amount, row.currency, row.item_id, row.properties) == (1999, "EUR", "507", None)
    assert (found.user, found.anonymous) == ("u1", None)
    assert json.loads(found.raw)["properties"]["colour"] == "red"


def test_the_type_of_a_batch_message_is_its_own():
    assert read(type="identify", traits={"plan": "pro", "employees": "250"}).row.values == [
        ("employees", None, 250),
        ("plan", "pro", None),
    ]
    with pytest.raises(BadInputError, match="type must be one of") as found:
        read(type="telegram")
    assert found.value.field == "type"


def test_a_page_is_a_page_view_with_its_path_and_category():
    row = read("page", name="Pricing", properties={"path": "/pricing"}, context={"campaign": {"name": "spring"}}).row
    assert (row.name, row.item_id, row.category, row.campaign) == ("page_view", "/pricing", "pricing", "spring")


def test_a_client_clock_that_is_wrong_is_corrected_by_sent_at():
    an_hour_fast = read("track", event="x", timestamp="2026-11-21T12:59:50Z", sentAt="2026-11-21T13:00:00Z")
    assert an_hour_fast.row.timestamp == NOW - 10 * SECOND_US
    by_batch = read("track", event="x", timestamp="2026-11-21T12:59:50Z", sent_at="2026-11-21T13:00:00Z")
    assert by_batch.row.timestamp == NOW - 10 * SECOND_US
    assert read("track", event="x").row.timestamp == NOW


def test_our_own_routes_write_names_with_underscores():
    raw = json.dumps({"user_id": "u1", "event": "x", "message_id": "m", "anonymous_id": "a"}).encode()
    found = read_message(raw, "track", NOW, ours=True)
    assert (found.user, found.anonymous, found.row.event_id) == ("u1", "a", "m")


@pytest.mark.parametrize(
    ("message", "field"),
    [
        ({"event": ""}, "event"),
        ({"event": "x", "userId": None}, "userId"),
        ({"event": "x" * 101}, "name"),
        ({"event": "x", "timestamp": "yesterday"}, "timestamp"),
        ({"event": "x", "timestamp": 5}, "timestamp"),
        ({"event": "x", "properties": {"amount": "much"}}, "amount"),
        ({"event": "x", "properties": {"category": ["a"]}}, "category"),
        ({"event": "x", "properties": {"quantity": 1.5}}, "quantity"),
        ({"event": "x", "properties": {"plan": True}}, "plan"),
        ({"event": "x", "properties": 7}, "properties"),
        ({"event": "x", "userId": "a\x00b"}, "userId"),
    ],
)
def test_what_is_wrong_is_named(message, field):
    with pytest.raises(BadInputError) as found:
        read("track", **message)
    assert found.value.field == field


def test_an_alias_needs_what_it_was_before():
    assert read("alias", previousId="anon-1").previous == "anon-1"
    with pytest.raises(BadInputError, match="previousId"):
        read("alias")


def test_a_message_beyond_the_limit_is_refused():
    with pytest.raises(BadInputError, match=str(MAX_MESSAGE_BYTES)):
        read("track", event="x", properties={"long": "a" * MAX_MESSAGE_BYTES})


@given(st.binary(max_size=200) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["type", "event", "userId", "anonymousId", "timestamp", "sentAt", "properties", "traits",
                         "context", "campaign", "messageId", "amount", "category", "x"]), inner, max_size=5),
    max_leaves=12).map(lambda v: json.dumps(v).encode()))  # fmt: skip
def test_rubbish_is_an_event_or_a_reason_never_another_error(raw):
    for kind in ("track", None):
        try:
            row = read_message(raw, kind, NOW).row
        except BadInputError:
            continue
        assert row.event_id
        assert row.name


def test_a_phone_is_a_mobile_device():
    agent = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148"
    assert read("track", event="x", context={"userAgent": agent}).row.values == [("device", "mobile", None)]
