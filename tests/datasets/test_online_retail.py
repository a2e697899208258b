import json

from growthbench.base.clock import to_us
from growthbench.datasets.online_retail import read_log

LINES = b'''InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
536365,85123A,"LIGHT, ""WHITE""",6,2010-12-01 08:26:00,2.55,17850,United Kingdom
536365,71053,LANTERN,3,2010-12-01 08:26:00,0.1,17850,United Kingdom
536366,POST,POSTAGE,1,2010-12-01 09:00:00,18,,France
C536379,71053,LANTERN,-3,2010-12-02 09:41:00,0.1,17850,Spain
550193,PADS,PADS,1,2011-04-15 09:27:00,0.001,13952,United Kingdom
550193,PADS,PADS,10,2011-04-15 09:27:00,0.001,13952,United Kingdom
'''


def events():
    log = read_log(LINES)
    return {row["event_id"]: row for row in log.events.to_pylist()}, log.values.to_pylist()


def test_each_line_with_a_customer_is_an_event_with_exact_pence():
    rows, _ = events()
    assert {i: (r["name"], r["amount"], r["quantity"]) for i, r in rows.items() if r["name"] != "identify"} == {
        "536365-0001": ("purchase", 1530, 6),
        "536365-0002": ("purchase", 30, 3),
        "C536379-0001": ("refund", -30, -3),
        "550193-0002": ("purchase", 1, 10),
    }


def test_a_line_finer_than_a_penny_is_left_out_but_keeps_its_number():
    rows, _ = events()
    assert "550193-0001" not in rows
    assert "550193-0002" in rows


def test_lines_keep_item_category_invoice_and_words():
    rows, _ = events()
    line = rows["536365-0001"]
    assert (line["item_id"], line["category"], line["session_id"], line["currency"]) == (
        "85123A", "product", "536365", "GBP",
    )  # fmt: skip
    assert line["timestamp"] == line["received_at"] == to_us("2010-12-01T08:26:00")
    assert json.loads(line["properties"]) == {"description": 'LIGHT, "WHITE"', "unit_price": 2.55}
    assert rows["550193-0002"]["category"] == "other"


def test_the_country_is_told_once_and_again_when_it_changes():
    _, values = events()
    assert [(v["person"], v["key"], v["text_value"]) for v in values] == [
        ("17850", "country", "United Kingdom"),
        ("17850", "country", "Spain"),
        ("13952", "country", "United Kingdom"),
    ]


def test_the_log_is_the_same_every_time():
    assert read_log(LINES).digest() == read_log(LINES).digest()
