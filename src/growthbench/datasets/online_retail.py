"""Online Retail (UCI 352) as an event log: every order line is an event of its own."""

import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from growthbench.events.data import EventData

CURRENCY = "GBP"
NOT_GOODS = ("POST", "M", "D", "C2", "CRUK", "DOT", "BANK CHARGES", "PADS")
"""StockCodes of lines with a customer that are postage, discounts, corrections, fees: category ``other``."""

_TEXT = ("InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country")


def read_log(content: bytes, tenant: str = "local") -> EventData:
    """Purchases, refunds and countries told, from the 541,909 lines of the file.

    Returns
    -------
    EventData
        397,920 ``purchase`` and 8,905 ``refund`` events and an ``identify`` with the trait ``country`` for each
        customer at the first line, again when the country changes.
    """
    lines = _lines(content)
    lines = lines.filter(pc.and_(pc.not_equal(lines["CustomerID"], ""), lines["whole"]))
    orders, (countries, values) = _orders(lines), _countries(lines)
    return EventData.from_raw(pa.concat_tables([orders, countries], promote_options="default"), values, tenant)


def _lines(content: bytes) -> pa.Table:
    options = pacsv.ConvertOptions(column_types=dict.fromkeys(_TEXT, pa.string()), strings_can_be_null=False)
    lines = pacsv.read_csv(io.BytesIO(content), convert_options=options).combine_chunks()
    tenth_pence = pc.multiply(pc.cast(lines["Quantity"], pa.int64()), _tenth_pence(lines["UnitPrice"]))
    pence = pc.divide(tenth_pence, 10)
    moment = pc.cast(pc.strptime(lines["InvoiceDate"], format="%Y-%m-%d %H:%M:%S", unit="us"), pa.int64())
    columns = {
        "line": pa.array(_count_within(lines["InvoiceNo"])),
        "pence": pence,
        "whole": pc.equal(pc.multiply(pence, 10), tenth_pence),
        "moment": moment,
    }
    for name, column in columns.items():
        lines = lines.append_column(name, column)
    return lines


def _tenth_pence(price: pa.ChunkedArray) -> pa.ChunkedArray:
    """Exact price in thousandths of a pound: the file has three decimals at most."""
    return pc.cast(pc.multiply(pc.cast(price, pa.decimal128(18, 3)), pa.scalar(1000)), pa.int64())


def _count_within(column: pa.ChunkedArray) -> np.ndarray:
    """1, 2, 3 ... within each value of a column, in row order."""
    codes = column.combine_chunks().dictionary_encode().indices.to_numpy()
    order = np.argsort(codes, kind="stable")
    starts = np.flatnonzero(np.diff(codes[order], prepend=-1))
    count = np.empty(len(codes), np.int64)
    count[order] = np.arange(len(codes)) - np.repeat(starts, np.diff(starts, append=len(codes))) + 1
    return count


def _orders(lines: pa.Table) -> pa.Table:
    number = pc.utf8_lpad(pc.cast(lines["line"], pa.string()), 4, "0")
    goods = pc.invert(pc.is_in(lines["StockCode"], pa.array(NOT_GOODS)))
    return pa.table(
        {
            "event_id": pc.binary_join_element_wise(lines["InvoiceNo"], number, "-"),
            "person": lines["CustomerID"],
            "name": pc.if_else(pc.starts_with(lines["InvoiceNo"], "C"), "refund", "purchase"),
            "timestamp": lines["moment"],
            "received_at": lines["moment"],
            "session_id": lines["InvoiceNo"],
            "item_id": lines["StockCode"],
            "category": pc.if_else(goods, "product", "other"),
            "currency": pa.array([CURRENCY]).take(pa.array(np.zeros(len(lines), np.int8))),
            "amount": lines["pence"],
            "quantity": pc.cast(lines["Quantity"], pa.int64()),
            "properties": _properties(lines),
        }
    )


def _properties(lines: pa.Table) -> pa.ChunkedArray:
    words = lines["Description"].combine_chunks().dictionary_encode()
    quoted = pa.array([json.dumps(w, ensure_ascii=False) for w in words.dictionary.to_pylist()])
    return pc.binary_join_element_wise(
        '{"description": ', quoted.take(words.indices), ', "unit_price": ', lines["UnitPrice"], "}", ""
    )


def _countries(lines: pa.Table) -> tuple[pa.Table, pa.Table]:
    """One ``identify`` where a customer's country is first told or another than at the line before."""
    people, countries = (lines[c].combine_chunks().dictionary_encode() for c in ("CustomerID", "Country"))
    order = np.lexsort((lines["moment"].to_numpy(), people.indices.to_numpy()))
    who, where = people.indices.to_numpy()[order], countries.indices.to_numpy()[order]
    told = order[np.diff(who, prepend=-1).astype(bool) | np.diff(where, prepend=-1).astype(bool)]
    told = lines.take(pa.array(np.sort(told)))
    ids = pc.binary_join_element_wise("country", told["InvoiceNo"], pc.cast(told["line"], pa.string()), "-")
    events = pa.table(
        {
            "event_id": ids,
            "person": told["CustomerID"],
            "name": pa.array(["identify"] * len(told)),
            "timestamp": told["moment"],
            "received_at": told["moment"],
        }
    )
    values = pa.table({"event_id": ids, "key": pa.array(["country"] * len(told)), "text_value": told["Country"]})
    return events, values
