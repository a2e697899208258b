"""Labelled texts: one frame with the columns ``text intent split out_of_scope``, whatever the file looks like."""

import json

import pandas as pd

from growthbench.base.errors import DataFormatError
from growthbench.datasets.registry import Entry

SPLITS = ("train", "valid", "test")


def read_sentences(contents: dict[str, bytes]) -> pd.DataFrame:
    """Frame of labelled sentences: ``text sentiment site``, in the order of the files.

    Lines end with a line feed only: the sentences hold other characters that some readers take for a line end, and
    quotation marks that mean nothing.
    """
    rows = []
    for path, content in contents.items():
        site = path.rsplit("/", 1)[-1].split("_", 1)[0]
        for number, line in enumerate(content.decode().removesuffix("\n").split("\n"), 1):
            text, tab, label = line.removesuffix("\r").rpartition("\t")
            if not tab or label.strip() not in ("0", "1"):
                raise DataFormatError(f"{path}, line {number}: expected sentence, tab, 0 or 1, found {line[:60]!r}")
            rows.append((text.strip(), int(label), site))
    return pd.DataFrame(rows, columns=["text", "sentiment", "site"]).astype({"text": object, "site": object})


def read_texts(entry: Entry, contents: dict[str, bytes]) -> pd.DataFrame:
    """Frame of texts, in the order train, valid, test; within a split in file order, in scope first."""
    rows = _READERS[entry.read["format"]](contents)
    frame = pd.DataFrame(rows, columns=["text", "intent", "split"], dtype=object)
    frame["out_of_scope"] = (frame["intent"] == entry.out_of_scope_label).to_numpy(bool)
    return frame


def _clinc(contents: dict[str, bytes]) -> list[tuple]:
    (content,) = contents.values()
    lists = json.loads(content)
    named = [(split, key) for split in SPLITS for key in (split.replace("valid", "val"),)]
    return [(text, intent, split) for split, key in named for text, intent in lists[key] + lists[f"oos_{key}"]]


def _lines(contents: dict[str, bytes]) -> list[tuple]:
    halves = {path: content.decode().removesuffix("\n").split("\n") for path, content in contents.items()}
    folder = next(iter(halves)).split("/")[0]
    pairs = ((s, zip(halves[f"{folder}/{s}/seq.in"], halves[f"{folder}/{s}/label"], strict=True)) for s in SPLITS)
    return [(text, intent, split) for split, rows in pairs for text, intent in rows]


def _jsonl(contents: dict[str, bytes]) -> list[tuple]:
    ((path, content),) = contents.items()
    try:
        rows = [json.loads(line) for line in content.decode().split("\n") if line.strip()]
        rows = [(row["text"], row["intent"], row["split"]) for row in rows]
    except (ValueError, KeyError, TypeError) as exc:
        raise DataFormatError(f"{path} must hold one object with text, intent and split a line: {exc!r}") from exc
    return sorted(rows, key=lambda row: SPLITS.index(row[2]))


_READERS = {"clinc": _clinc, "lines": _lines, "jsonl": _jsonl}
