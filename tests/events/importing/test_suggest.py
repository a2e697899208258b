import json

import pytest

from growthbench.base.errors import DataFormatError
from growthbench.events.importing import read_events
from growthbench.events.mapping import parse_mapping
from growthbench.events.suggest import suggest

FILES = {
    "shop.csv": "CustomerID,InvoiceDate,UnitPrice,Quantity,StockCode,Country\n1,2010-12-01 08:26:00,2.55,6,85123A,UK\n",
    "dots.csv": "user;event;date;amount\nu;purchase;31.12.2023 10:00;1.50\n",
    "epoch.tsv": "visitorid\tevent\ttimestamp\n1\tview\t1433221332117\n2\tview\t1433224214164\n",
    "latin.csv": b"user_id,event_name,created_at\nM\xfcller,login,2024-01-01T00:00:00Z\n",
    "own.csv": "person,name,timestamp,employees\nu,identify,2024-01-01,5\n",
}


@pytest.mark.parametrize("name", FILES)
def test_a_draft_reads_its_own_file(write, name):
    path = write(name, FILES[name])
    text = suggest(path)
    mapping = parse_mapping(text)
    _, report = read_events(path, mapping)
    assert report.refused == 0
    assert report.landed == report.read
    assert f"{report.read:,} would become events" in text


def test_a_draft_finds_price_times_quantity_time_units_and_traits(write):
    shop = parse_mapping(suggest(write("shop.csv", FILES["shop.csv"])))
    assert (shop.events.amount.column, shop.events.amount.times) == ("UnitPrice", "Quantity")
    assert shop.properties == {"country": "Country"}
    assert parse_mapping(suggest(write("epoch.tsv", FILES["epoch.tsv"]))).events.timestamp.format == "ms"
    assert parse_mapping(suggest(write("dots.csv", FILES["dots.csv"]))).events.timestamp.format == "%d.%m.%Y %H:%M"
    assert parse_mapping(suggest(write("latin.csv", FILES["latin.csv"]))).file.encoding == "cp1252"


def test_a_segment_export_is_recognised(write):
    lines = [
        {"type": "track", "userId": "u", "event": "purchase", "timestamp": "2024-01-01T00:00:00Z", "messageId": "1",
         "properties": {"amount": 1.5, "currency": "EUR"}},
        {"type": "identify", "anonymousId": "a", "timestamp": "2024-01-01T00:00:00Z", "messageId": "2",
         "traits": {"industry": "retail"}},
        {"type": "page", "anonymousId": "a", "timestamp": "2024-01-01T00:00:01Z", "messageId": "3"},
    ]  # fmt: skip
    path = write("segment.jsonl", "\n".join(map(json.dumps, lines)))
    data, _ = read_events(path, parse_mapping(suggest(path)))
    rows = data.events.to_pylist()
    assert [(r["person"], r["name"], r["amount"]) for r in rows] == [
        ("u", "purchase", 150), ("a", "identify", None), ("a", "page_view", None),
    ]  # fmt: skip
    assert data.values["text_value"].to_pylist() == ["retail"]


def test_what_cannot_be_guessed_is_left_to_fill_in(write):
    text = suggest(write("a.csv", "who,when\nx,2024\n"))
    assert "person: FILL_ME" in text
    assert "name one of who, when" in text
    with pytest.raises(DataFormatError, match="has no column 'FILL_ME'"):
        read_events(write("a.csv", "who,when\nx,2024\n"), parse_mapping(text))
