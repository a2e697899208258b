"""Verbs about answers: score, explain, serve, bundle."""

import time
from dataclasses import asdict
from pathlib import Path

import click

from growthbench.base.errors import BadInputError, NotFoundError
from growthbench.base.text_table import table
from growthbench.cli.options import PORT, home_option, settings
from growthbench.cli.output import emit, json_option
from growthbench.workbench.progress import Bars


@click.command("score")
@click.argument("task")
@click.argument("users", nargs=-1)
@click.option("--all", "everybody", is_flag=True, help="score everybody in the log; resumes where it stopped")
@click.option("--out", type=click.Path(path_type=Path), help="with --all: the file to write, .parquet or .csv")
@click.option("--reasons", type=click.IntRange(0, 50), default=0, show_default=True, help="reasons per answer")
@home_option
@json_option
def score_command(task, users, everybody, out, reasons, home, as_json):
    """Score people of the log with the champion of TASK."""
    from growthbench.learning.tasks import TASKS
    from growthbench.predictions.scorer import Scorer
    from growthbench.store.engine import open_store

    if everybody == bool(users) or everybody != (out is not None):
        raise BadInputError("score wants user ids, or --all with --out FILE", field="users")
    if everybody and reasons:
        raise BadInputError("score --all writes no reasons: ask for people, or `growthbench explain`", field="reasons")
    here = settings(home)
    with open_store(here.database_url) as store, Bars(True if as_json else None) as bars:
        scorer = Scorer(store, here.home, here.tenant, TASKS)
        if everybody:
            from growthbench.predictions.batch import score_all

            started = time.perf_counter()
            done = score_all(scorer, task, out, progress=bars)
            told = {**asdict(done), "out": str(out), "seconds": round(time.perf_counter() - started, 1)}
            emit(told, as_json, f"{done.people:,} people scored with {done.model_version} into {out}")
            return
        answers = scorer.score_people(task, list(users), reasons=reasons)
    if unknown := [a for a in answers if isinstance(a, NotFoundError)]:
        raise unknown[0]
    rows = [answer.answer() for answer in answers]
    emit({"scores": rows}, as_json, table(rows, ["user_id", "score", "class", "band", "confidence", "prediction_id"]))


@click.command("explain")
@click.argument("prediction_id")
@home_option
@json_option
def explain_command(prediction_id, home, as_json):
    """Say why a prediction came out as it did, from the log as it stood then."""
    from growthbench.learning.tasks import TASKS
    from growthbench.predictions.scorer import Scorer
    from growthbench.store.engine import open_store

    here = settings(home)
    with open_store(here.database_url) as store:
        told = Scorer(store, here.home, here.tenant, TASKS).explain(prediction_id)
    answer = told.answer()
    emit(answer, as_json, table(answer["reasons"]))


@click.command("serve")
@click.option("--port", type=PORT, default=3000, show_default=True)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="address to listen on; beyond loopback every caller needs a key",
)
@click.option("--desk/--no-desk", default=True, show_default=True, help="keep a Desk (documents, chat) beside it")
@click.option("--only-desk", is_flag=True, help="serve the Desk alone, where GROWTHBENCH_DESK_URL says")
@home_option
def serve_command(port, host, desk, only_desk, home):
    """Serve the champions, documents and content until interrupted."""
    if only_desk:
        from growthbench.serving.desk.process import serve_desk

        serve_desk(settings(home))
    from growthbench.serving.run import serve

    serve(port=port, host=host, settings=settings(home), beside=desk)


@click.command("bundle")
@click.option("--out", type=click.Path(path_type=Path), default=Path("bundle"), show_default=True)
@home_option
@json_option
def bundle_command(out, home, as_json):
    """Copy the champions beside bentofile.yaml, for `bentoml build`."""
    from growthbench.serving.bundle import bundle

    made = bundle(out, settings(home))
    versions = {task: deployment.model_version for task, deployment in made.items()}
    emit({"out": str(out), "models": versions}, as_json, f"{out}: {', '.join(versions.values())}; now: bentoml build")
