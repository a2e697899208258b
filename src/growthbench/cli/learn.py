"""Verbs about models: train, runs, review, promote, rollback."""

from dataclasses import replace
from pathlib import Path

import click

from growthbench.base.text_table import table
from growthbench.cli.options import home_option, overrides, params_file, params_option, set_option, settings
from growthbench.cli.output import emit, json_option
from growthbench.workbench.progress import Bars


@click.command("train")
@click.argument("task")
@click.option("--data", help="world:NAME, dataset:NAME, import:PATH or store (default: params.yaml)")
@click.option("--people", type=int, help="people of a world")
@click.option("--world-seed", type=int, help="seed of a world")
@params_option
@set_option
@home_option
@json_option
def train_command(task, data, people, world_seed, params, settings_, home, as_json):
    """Train TASK on a data source and log the run: growthbench train churn --data dataset:telco-churn --set seed=1."""
    from growthbench.learning.params import load_data_params, load_params
    from growthbench.learning.tasks import get_task
    from growthbench.workbench.sources import open_source
    from growthbench.workbench.training import train_and_log

    chosen, path, here = get_task(task), params_file(params), settings(home)
    wanted = load_params(path, task, overrides(settings_))
    source = load_data_params(path)
    if chosen.kind == "text":
        source = replace(source, source=source.texts)
    given = {"source": data, "people": people, "seed": world_seed}
    source = replace(source, **{k: v for k, v in given.items() if v is not None})
    with Bars(True if as_json else None) as bars:
        frame = open_source(source, here).frame(chosen, wanted, bars)
        run = train_and_log(chosen, frame, wanted, here, Path.cwd(), bars)
    emit(run.to_dict(), as_json, str(run))


@click.command("runs")
@click.option("--task", help="only runs of this task")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True)
@home_option
@json_option
def runs_command(task, limit, home, as_json):
    """List runs, newest first."""
    from growthbench.runs.reading import list_runs

    rows = [view.summary() for view in list_runs(settings(home), task=task, limit=limit)]
    emit({"runs": rows}, as_json, table(rows))


@click.command("review")
@click.argument("run_a")
@click.argument("run_b")
@click.option("--html", type=click.Path(path_type=Path), help="also write a page")
@home_option
@json_option
def review_command(run_a, run_b, html, home, as_json):
    """Show only what differs between two runs, metrics with paired intervals."""
    from growthbench.runs.reading import find_run
    from growthbench.runs.review import review

    here = settings(home)
    found = review(find_run(here, run_a), find_run(here, run_b))
    if html:
        found.to_html(html)
    emit(found.to_dict(), as_json, str(found))


@click.command("promote")
@click.argument("run")
@click.option("--force", is_flag=True, help="deploy in spite of the gate; the evidence says so")
@params_option
@home_option
@json_option
def promote_command(run, force, params, home, as_json):
    """Make RUN's model the champion of its task, if the gate lets it."""
    from growthbench.runs.gate import GateParams
    from growthbench.runs.registry import promote
    from growthbench.store.engine import open_store

    here = settings(home)
    limits = GateParams.load(params_file(params))
    with open_store(here.database_url) as store:
        done = promote(here, store, run, limits, force=force)
    emit(done.to_dict(), as_json, str(done))


@click.command("rollback")
@click.argument("task")
@home_option
@json_option
def rollback_command(task, home, as_json):
    """Return to the champion of TASK before the last promotion."""
    from growthbench.runs.registry import rollback
    from growthbench.store.engine import open_store

    here = settings(home)
    with open_store(here.database_url) as store:
        done = rollback(here, store, task)
    emit(done.to_dict(), as_json, str(done))
