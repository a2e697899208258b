"""Load a public data set by name."""

import os
from pathlib import Path

from growthbench.base.errors import BadInputError
from growthbench.base.ids import digest
from growthbench.base.jsonio import canonical
from growthbench.base.settings import Settings
from growthbench.datasets.files import find_sample, read_files
from growthbench.datasets.registry import Entry, entry
from growthbench.datasets.table import Table
from growthbench.events.data import EventData


def load(name: str, data_home: str | os.PathLike | None = None) -> Table:
    """A labelled public table or labelled texts.

    Parameters
    ----------
    name : str
        Name in the registry, such as ``telco-churn`` or ``clinc150``; ``describe()`` lists them.
    data_home : path, optional
        Folder that holds the files or shall hold them; default ``GROWTHBENCH_DATA_HOME``.

    Returns
    -------
    Table

    Raises
    ------
    UnknownNameError
        No data set has that name.
    BadInputError
        It is an event log: use `load_log`; or a retrieval collection: use `load_collection`.
    DataFormatError
        The file found is not the published one.
    NotReadyError
        It is not here and cannot be fetched; the message says where to put it.
    """
    found = entry(name)
    if found.kind == "log":
        raise BadInputError(f"{name} is an event log, not a table: use load_log({name!r})", field="dataset")
    if found.kind == "retrieval":
        raise BadInputError(f"{name} is a retrieval collection: use load_collection({name!r})", field="dataset")
    contents = contents_of(found, data_home)
    if found.kind == "text":
        return _texts(found, contents)
    from growthbench.datasets.tables import read_table

    (content,) = contents.values()
    drop = (*([found.key] if found.key else []), *found.drop)
    return Table(frame=read_table(found, content), drop=drop, key=found.key, **_story(found, contents))


def load_log(name: str, data_home: str | os.PathLike | None = None, tenant: str = "local") -> EventData:
    """A public event log; the registry's ``changes`` say how lines became events.

    Parameters
    ----------
    name : str
        ``online-retail``.
    data_home : path, optional
        As in `load`.
    tenant : str
        Tenant that the log shall belong to.

    Raises
    ------
    As `load`; BadInputError if the name is a table.
    """
    found = entry(name)
    if found.kind != "log":
        raise BadInputError(f"{name} is a {found.kind}, not an event log: use load({name!r})", field="dataset")
    from growthbench.datasets.online_retail import read_log

    (content,) = contents_of(found, data_home).values()
    return read_log(content, tenant)


def contents_of(found: Entry, data_home: str | os.PathLike | None) -> dict[str, bytes]:
    """Checked content of every file of a data set, by its path."""
    if found.sample:
        return {found.sample: find_sample(found.sample).read_bytes()}
    return read_files(found, Path(data_home) if data_home else Settings.read().data_home)


def _texts(found: Entry, contents: dict[str, bytes]) -> Table:
    from growthbench.datasets.texts import read_sentences, read_texts

    if found.read["format"] == "sentences":
        return Table(frame=read_sentences(contents), drop=("site",), text="text", **_story(found, contents))
    columns = {"text": "text", "split": "split", "out_of_scope": "out_of_scope"}
    frame = read_texts(found, contents)
    return Table(frame=frame, drop=("split", "out_of_scope"), **columns, **_story(found, contents))


def _story(found: Entry, contents: dict[str, bytes]) -> dict:
    return {
        "name": found.name,
        "label": found.label,
        "positive": found.positive,
        "known_leaks": dict(found.known_leaks),
        "licence": found.licence,
        "origin": found.origin,
        "about": found.about,
        "data_hash": digest(canonical(dict(found.read)), *(p for item in contents.items() for p in item)),
        "changes": found.changes,
        "cautions": found.cautions,
    }
