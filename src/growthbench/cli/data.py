"""Verbs about data: datasets, import, events, features."""

from dataclasses import asdict
from pathlib import Path

import click

from growthbench.base.errors import BadInputError, NotFoundError
from growthbench.base.ids import digest
from growthbench.base.text_table import table
from growthbench.cli.options import home_option, settings
from growthbench.cli.output import emit, json_option
from growthbench.workbench.progress import Bars


@click.command("datasets")
@json_option
def datasets_command(as_json):
    """List public data sets."""
    from growthbench.datasets.registry import describe

    rows = describe()
    emit({"datasets": rows}, as_json, table(rows, ["name", "kind", "rows", "target", "licence", "known_leaks"]))


@click.command("import")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--map", "mapping", type=click.Path(path_type=Path), help="mapping.yaml: which column is what")
@click.option("--suggest", is_flag=True, help="print a mapping for the file instead of importing it")
@click.option("--quarantine", type=click.Path(path_type=Path), help="where refused rows go (default: beside the home)")
@home_option
@json_option
def import_command(path, mapping, suggest, quarantine, home, as_json):
    """Bring a CSV, JSONL or Parquet file into the log; bad rows go to quarantine with their reasons."""
    if suggest:
        from growthbench.events.suggest import suggest as suggest_mapping

        text = suggest_mapping(path)
        emit({"mapping": text}, as_json, text)
        return
    from growthbench.events.importing import import_file
    from growthbench.events.log import EventLog
    from growthbench.events.mapping import find_mapping, read_mapping
    from growthbench.people.keyed_log import KeyedLog
    from growthbench.store.engine import open_store

    here = settings(home)
    rules = read_mapping(mapping) if mapping else find_mapping(path)
    name = f"{path.stem}-{digest(str(path.resolve()))[:8]}.jsonl"  # files of one name do not share a quarantine
    quarantine = quarantine or here.home / "quarantine" / name
    with open_store(here.database_url) as store, Bars(True if as_json else None) as bars:
        log = EventLog(store, here.tenant)
        log = KeyedLog(log, _directory(log, here))
        report = import_file(path, rules, log, quarantine, progress=bars.counting("rows"), tenant=here.tenant)
    emit(asdict(report), as_json, str(report))


@click.group("events", invoke_without_command=True)
@click.pass_context
def events_command(ctx):
    """Count, show and export the log."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


@events_command.command("count")
@click.option("--name", help="only events of this name")
@home_option
@json_option
def count_command(name, home, as_json):
    """Number of events."""
    with _log(home) as log:
        count = log.count(name)
    emit({"count": count}, as_json, f"{count:,}")


@events_command.command("show")
@click.argument("person", metavar="USER_ID")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True)
@home_option
@json_option
def show_command(person, limit, home, as_json):
    """Newest events of one person, named by user id or anonymous:ID."""
    from growthbench.base.clock import to_iso
    from growthbench.people.history import history

    with _log(home) as log:
        rows = history(_directory(log, settings(home)), person, limit)
    if not rows:
        raise NotFoundError(f"no events of person {person!r}")
    shown = [{**r, "timestamp": to_iso(r["timestamp"]), "received_at": to_iso(r["received_at"])} for r in rows]
    emit({"events": shown}, as_json, table(shown, ["seq", "timestamp", "name", "item_id", "category", "amount"]))


@events_command.command("export")
@click.argument("folder", type=click.Path(path_type=Path))
@home_option
@json_option
def export_command(folder, home, as_json):
    """Bring a lake of Parquet files up to date; files that are there stay as they are."""
    from growthbench.events.lake import Lake
    from growthbench.people.lake import export

    with _log(home) as log:
        added = export(log, Lake(folder))
    emit({"added": added, "folder": str(folder)}, as_json, f"{added:,} events added to {folder}")


@click.command("features")
@click.option("--person", metavar="USER_ID", help="compute them for this person, now")
@home_option
@json_option
def features_command(person, home, as_json):
    """List features with unit and meaning, or compute them for a person."""
    from growthbench.features.shipped import CATALOGUE

    rows = CATALOGUE.describe()
    if person is None:
        emit({"features": rows, "hash": CATALOGUE.hash}, as_json, table(rows, ["name", "unit", "about"]))
        return
    from growthbench.workbench.people import features_now

    with _log(home) as log:
        values = features_now(_directory(log, settings(home)), CATALOGUE, [person]).iloc[0].to_dict()
    values = {k: (None if v != v else v) for k, v in values.items()}
    merged = [{**row, "value": values.get(row["name"])} for row in rows]
    emit({"person": person, "features": values}, as_json, table(merged, ["name", "value", "unit", "about"]))


def _directory(log, here):
    from growthbench.people.directory import Directory
    from growthbench.store.keyring import Keyring

    return Directory(log.store, Keyring.open(here.home), here.tenant)


def _log(home):
    from contextlib import contextmanager

    from growthbench.events.log import EventLog
    from growthbench.store.engine import open_store

    @contextmanager
    def opened():
        here = settings(home)
        if here.database_url.startswith("sqlite") and not Path(here.database_url[10:]).exists():
            raise BadInputError(f"no log yet in {here.home}: import events first", field="home")
        with open_store(here.database_url) as store:
            yield EventLog(store, here.tenant)

    return opened()
