"""Open a source by one short text: ``world:b2b``, ``dataset:telco-churn``, ``import:PATH`` or ``store``."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from growthbench.base.errors import BadInputError, UnknownNameError
from growthbench.base.ids import digest, file_digest
from growthbench.base.jsonio import canonical, read_json, write_json
from growthbench.base.settings import Settings
from growthbench.learning.params import DataParams
from growthbench.workbench.source import Source, parse_spec

if TYPE_CHECKING:
    from growthbench.events.data import EventData
    from growthbench.events.lake import Lake


def open_source(data: DataParams, settings: Settings, folder: Path | None = None) -> Source:
    """Open a source; a log is laid out as a lake in ``folder``, by default once per content under the home.

    Parameters
    ----------
    data : DataParams
        Source text, and people and seed of a world.
    settings : Settings
    folder : Path, optional
        Where to lay the lake out, replacing what is there.

    Raises
    ------
    BadInputError, UnknownNameError, DataFormatError, NotReadyError
        As the loaders say.
    """
    kind, name = parse_spec(data.source)
    if kind == "dataset":
        from growthbench.datasets.registry import entry

        if entry(name).kind != "log":
            from growthbench.datasets.loading import load

            return Source(data.source, table=load(name, settings.data_home))
    if kind == "store":
        return Source(data.source, lake=_store_lake(settings, folder))
    identity = _identity(kind, name, data, settings)
    folder = folder or settings.home / "lakes" / digest(canonical(identity))[:16]
    return Source(data.source, lake=_lake(folder, identity, lambda: read_log(data, settings)))


def read_log(data: DataParams, settings: Settings) -> "EventData":
    """The event log of a source, in memory."""
    kind, name = parse_spec(data.source)
    if kind == "world":
        from growthbench.worlds.generate import generate

        return generate(name, people=data.people, seed=data.seed).data
    if kind == "dataset":
        from growthbench.datasets.loading import load_log

        return load_log(name, settings.data_home)
    if kind == "store":
        raise BadInputError("the store is this home's log already: there is nothing to load", field="data")
    from growthbench.events.importing import read_events
    from growthbench.events.mapping import find_mapping

    log, report = read_events(Path(name), find_mapping(name))
    if not report.landed:
        raise BadInputError(f"{name}: none of {report.read} rows is an event: {report.reasons}", field="data")
    return log


def _identity(kind: str, name: str, data: DataParams, settings: Settings) -> dict:
    identity: dict = {"source": data.source}
    if kind == "world":
        from growthbench.worlds.generate import SPECS

        if name not in SPECS:
            raise UnknownNameError("world", name, SPECS, field="data")
        identity |= {"people": data.people, "seed": data.seed, "parameters": digest(repr(SPECS[name]))}
    elif kind == "import":
        path = Path(name)
        if not path.is_file():
            raise BadInputError(f"no file {name!r} to import", field="data")
        identity |= {"content": file_digest(path)}
        mapping = path.with_suffix(".mapping.yaml")
        identity |= {"mapping": file_digest(mapping)} if mapping.is_file() else {}
    return identity


def _lake(folder: Path, identity: dict, make) -> "Lake":
    from growthbench.events.lake import Lake

    told = folder / "source.json"
    if told.is_file() and read_json(told) == identity:
        return Lake(folder, identity["source"])
    data = make()
    shutil.rmtree(folder, ignore_errors=True)
    lake = Lake(folder, identity["source"]).write(data)
    write_json(identity, told)  # last: a folder without it is half written and made again
    return lake


def _store_lake(settings: Settings, folder: Path | None) -> "Lake":
    from growthbench.events.lake import Lake
    from growthbench.events.log import EventLog
    from growthbench.people.lake import export
    from growthbench.store.engine import open_store

    lake = Lake(folder or settings.home / "lakes" / f"store-{settings.tenant}", "store")
    with open_store(settings.database_url) as store:
        export(EventLog(store, settings.tenant), lake)
    if not lake.horizon:
        raise BadInputError("the store's log is empty: import events first, or name another source", field="data")
    return lake
