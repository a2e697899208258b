"""Score everybody in the log into a file: in parts, so that it can be stopped and taken up again."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from growthbench.base.clock import now_us, to_iso
from growthbench.base.errors import BadInputError
from growthbench.base.ids import digest, new_id
from growthbench.base.jsonio import canonical, read_json, write_json
from growthbench.events.heads import Head, read_head
from growthbench.events.log import EventLog
from growthbench.people.directory import called
from growthbench.predictions.champions import Served
from growthbench.predictions.deployments import Deployment
from growthbench.predictions.people import count_people, listed_people, read_features
from growthbench.predictions.prediction import Prediction
from growthbench.predictions.scorer import Scorer
from growthbench.predictions.split import predict_people

if TYPE_CHECKING:
    import pyarrow as pa

Progress = Callable[[str, int, int], None]
"""Called with (what, done, total)."""
_SUFFIXES = (".parquet", ".csv")


@dataclass(frozen=True)
class BatchResult:
    """What a batch did.

    Attributes
    ----------
    out : Path
    batch_id : str
    model_version : str
    people : int
        Scored people, rows of the file.
    unknown : int
        People without an event visible as of the moment, not in the file.
    resumed : int
        People whose scores an interrupted run had already written.
    moment, horizon : int
        As of when, and up to which ``seq``, everybody was scored.
    """

    out: Path
    batch_id: str
    model_version: str
    people: int
    unknown: int
    resumed: int
    moment: int
    horizon: int


@dataclass(frozen=True)
class _Batch:
    """What every part of a batch shares; kept beside the parts."""

    batch_id: str
    task: str
    tenant: str
    champion: str
    champion_run: str | None
    moment: int
    horizon: int
    part_people: int
    people: str


def score_all(
    scorer: Scorer,
    task: str,
    out: Path,
    people: Sequence[str] | None = None,
    part_people: int = 2_000,
    progress: Progress | None = None,
) -> BatchResult:
    """Score all people of the log (or those given) as of now, with the model, features and log of single scores.

    Whoever was merged into somebody else is scored as that one; the file calls people by their user ids.

    Parts lie in ``<out>.parts/`` until the file is whole. Called again after an interruption it goes on behind the last
    part, with the same model, moment and horizon, even if another model is champion by then; what the interrupted part
    had logged is not logged twice. Delete the folder to begin anew.

    Parameters
    ----------
    out : Path
        ``.parquet`` or ``.csv``; replaced when the batch is whole.
    people : sequence of str, optional
        Only these, by user id or ``anonymous:ID``, in their order.
    part_people : int, default 2000
        People in a part.
    progress : callable, optional
        Called with (what, done, total) after each part.

    Raises
    ------
    UnknownNameError, NoChampionError, ArtifactError
        The task has no model that can be served.
    BadInputError
        Another kind of file, the model reads rows only, or the parts belong to another batch.
    """
    out = Path(out)
    if out.suffix not in _SUFFIXES:
        raise BadInputError(f"scores are written as {' or '.join(_SUFFIXES)}, not as {out.name!r}", field="out")
    parts = out.with_name(out.name + ".parts")
    batch, served = _begin(scorer, task, parts, people, part_people)
    total = len(people) if people is not None else _count_people(scorer, batch)
    done = scored = resumed = 0
    last: str | None = None
    while asked := _next_people(scorer, batch, people, done, last):
        path = parts / f"part-{done // batch.part_people:05d}.parquet"
        if path.exists():
            asked_then, rows, last = _read_part(path)
            resumed += rows
        else:
            asked_then, last = len(asked), asked[-1]
            rows = _part(scorer, served, batch, asked, people is not None, path)
        done, scored = done + asked_then, scored + rows
        if progress:
            progress(f"score {task}", min(done, total), total)
    _join(sorted(parts.glob("part-*.parquet")), out)
    shutil.rmtree(parts)
    return BatchResult(
        out=out,
        batch_id=batch.batch_id,
        model_version=served.deployment.model_version,
        people=scored,
        unknown=done - scored,
        resumed=resumed,
        moment=batch.moment,
        horizon=batch.horizon,
    )


def _begin(
    scorer: Scorer, task: str, parts: Path, people: Sequence[str] | None, part_people: int
) -> tuple[_Batch, Served]:
    """The batch whose parts lie there, or a new one."""
    whom = "all" if people is None else digest(canonical(list(people)))
    if (parts / "batch.json").is_file():
        batch = _Batch(**read_json(parts / "batch.json"))
        if (batch.task, batch.tenant, batch.people) != (task, scorer.tenant, whom):
            raise BadInputError(f"{parts} holds parts of another batch; delete it, or name another file", field="out")
        model = scorer.champions.shelf.get(task, batch.champion)
        row = Deployment(task, batch.champion, batch.champion_run, None, None, 0.0, {}, 0, 0)
        return batch, Served(row, model)
    served = scorer.champions.get(task)
    if served.model.plan is None:
        raise BadInputError(f"{task} is scored by rows: its model reads no features of the log", field="task")
    moment = now_us()
    batch = _Batch(
        batch_id=new_id("batch"),
        task=task,
        tenant=scorer.tenant,
        champion=served.model.digest,
        champion_run=served.deployment.champion_run,
        moment=moment,
        horizon=EventLog(scorer.store, scorer.tenant).horizon(),
        part_people=part_people,
        people=whom,
    )
    write_json(asdict(batch), parts / "batch.json")
    return batch, served


def _next_people(
    scorer: Scorer, batch: _Batch, people: Sequence[str] | None, done: int, last: str | None
) -> Sequence[str]:
    """The people of the next part: names given, or keys. Of the log they come in byte order behind the last one asked,
    so that people who are new since the batch began, and not visible to it, cannot shift the parts."""
    if people is not None:
        return people[done : done + batch.part_people]
    with scorer.store.reading() as connection:
        return listed_people(connection, scorer.tenant, batch.moment, batch.horizon, last or "", batch.part_people)


def _count_people(scorer: Scorer, batch: _Batch) -> int:
    with scorer.store.reading() as connection:
        return count_people(connection, scorer.tenant, batch.moment, batch.horizon)


def _part(scorer: Scorer, served: Served, batch: _Batch, asked: Sequence[str], named: bool, path: Path) -> int:
    """Score, log and write one part; returns the number of people scored."""
    names, directory = list(dict.fromkeys(asked)), scorer.directory
    with scorer.store.reading() as connection:
        directory.check((read_head(connection, scorer.tenant) or Head()).people_version)
        persons = called(directory, names, connection) if named else names
        whom = list(dict.fromkeys(persons))
        found = read_features(connection, served.model.plan, scorer.tenant, whom, batch.moment, batch.horizon)
        told = names if named else directory.user_ids(persons, connection)
    ids = [f"pred_{digest(batch.batch_id, person)[:24]}" for person in found.people]
    made = {p.person: p for p in predict_people(served, found, ids)}
    scorer.log.write(list(made.values()))  # before the file: what a file says is in the log
    rows = [replace(made[person], name=name) for person, name in zip(persons, told) if person in made]
    _write(_table(rows).replace_schema_metadata({"asked": str(len(asked)), "last": asked[-1]}), path)
    return len(rows)


def _read_part(path: Path) -> tuple[int, int, str]:
    """Of a written part: people asked, people scored, the last one asked."""
    import pyarrow.parquet as pq

    found = pq.read_metadata(path)
    return int(found.metadata[b"asked"]), found.num_rows, found.metadata[b"last"].decode()


def _table(made: Sequence[Prediction]) -> "pa.Table":
    """One row per person: who, score, class, band or class scores, parts, which model, as of when."""
    import pyarrow as pa

    rows: list[dict[str, Any]] = []
    for p in made:
        row = p.answer() | {"moment": to_iso(p.moment)}
        scores = {} if p.said.scores is None else dict(zip(p.classes, p.said.scores.tolist()))
        row.pop("class_scores", None)
        row |= {f"score_{name}": value for name, value in scores.items()}
        row |= {f"part_{name}": value for name, value in row.pop("parts", {}).items()}
        rows.append(row | {"run_id": p.run_id or ""})
    return pa.Table.from_pylist(rows)


def _write(table: "pa.Table", path: Path) -> None:
    import pyarrow.parquet as pq

    half = path.with_name(f".{path.name}.half")
    pq.write_table(table, half)
    half.replace(path)


def _rows_of(path: Path) -> int:
    import pyarrow.parquet as pq

    return pq.read_metadata(path).num_rows


def _join(parts: Sequence[Path], out: Path) -> None:
    """One file of all parts, one part in memory at a time; there whole or not at all."""
    import pyarrow.csv as pc
    import pyarrow.parquet as pq

    half = out.with_name(f".{out.name}.half")
    out.parent.mkdir(parents=True, exist_ok=True)
    filled = [path for path in parts if _read_part(path)[1]]
    if not filled:
        raise BadInputError("nobody could be scored: the log holds no events of these people", field="people")
    schema = pq.read_schema(filled[0]).remove_metadata()
    opened = pc.CSVWriter(half, schema) if out.suffix == ".csv" else pq.ParquetWriter(half, schema)
    with opened as writer:
        for path in filled:
            writer.write_table(pq.read_table(path).cast(schema))
    half.replace(out)
