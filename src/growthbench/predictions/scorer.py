"""Score people or rows with the deployed model of a task, log every answer, explain it later."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from growthbench.base.clock import now_us
from growthbench.base.errors import BadInputError, NotFoundError
from growthbench.base.ids import new_id
from growthbench.events.checks import checked_text
from growthbench.events.heads import Head, read_head
from growthbench.people.directory import Directory, called
from growthbench.predictions.champions import Champions
from growthbench.predictions.describe import describe
from growthbench.predictions.engine import predict
from growthbench.predictions.log import COLUMNS, PredictionLog
from growthbench.predictions.people import read_features
from growthbench.predictions.prediction import Prediction
from growthbench.predictions.recompute import Explained, Recomputer
from growthbench.predictions.rows import located, plain_rows
from growthbench.predictions.split import both_sides, same_columns
from growthbench.store.engine import Store
from growthbench.store.keyring import Keyring

if TYPE_CHECKING:
    from growthbench.store.group_commit import GroupCommit


class Scorer:
    """The one way to a prediction, for the Door, the notebook and the batch.

    Parameters
    ----------
    store : Store
    home : Path
        Folder that holds the deployed models.
    tenant : str
    tasks : iterable of str
        Names that are tasks even while nothing is deployed for them.
    follow_s : float, default 0.5
        Within which time promotions made elsewhere are followed, seconds.
    directory : Directory, optional
        Whose an id is; by default one of its own.
    commits : GroupCommit, optional
        Writes the prediction log behind the answers; without it every answer is logged before it is given.
    """

    def __init__(
        self,
        store: Store,
        home: Path,
        tenant: str = "local",
        tasks: Iterable[str] = (),
        follow_s: float = 0.5,
        directory: Directory | None = None,
        commits: "GroupCommit | None" = None,
    ):
        self.store, self.tenant, self._home = store, tenant, Path(home)
        self.champions = Champions(store, home, tenant, tasks, follow_s)
        self.log = PredictionLog(store, tenant)
        self._directory, self.commits = directory, commits
        self.recomputer = Recomputer(store, self.champions.shelf, self.log)

    @property
    def directory(self) -> Directory:
        """Whose an id is; of this home's key ring, unless one was given."""
        if self._directory is None:
            self._directory = Directory(self.store, Keyring.open(self._home), self.tenant)
        return self._directory

    def score_people(
        self, task: str, people: Sequence[str], moment: int | None = None, reasons: int = 0
    ) -> list[Prediction | NotFoundError]:
        """Score people from the log, as of now or of an earlier moment.

        One statement reads the features of all of them, in one snapshot with the horizon; all answers are logged in one
        transaction. Somebody without an event is not given a score of any kind: in their place stands the error.

        Parameters
        ----------
        people : sequence of str, length n
            User ids, or ``anonymous:ID``; one that occurs twice gets one prediction, in both places.
        moment : int, optional
            As of, UTC µs; default now.
        reasons : int, default 0
            How many reasons to add to each answer.

        Returns
        -------
        list of Prediction or NotFoundError, length n, in the order asked

        Raises
        ------
        UnknownNameError, NoChampionError, ArtifactError
            The task has no model that can be served.
        BadInputError
            A person is no text, or the model reads rows only.
        """
        served = self.champions.get(task)
        if served.model.plan is None:
            raise BadInputError(f"{task} is scored by rows: its model reads no features of the log", field="user_ids")
        for place, person in enumerate(people):
            checked_text(person, f"user_ids[{place}]")
        moment = now_us() if moment is None else moment
        names = list(dict.fromkeys(people))
        with self.store.breaker, self.store.reading() as connection:
            head = read_head(connection, self.tenant) or Head()
            self.directory.check(head.people_version)
            persons = dict(zip(names, called(self.directory, names, connection)))
            whom = list(dict.fromkeys(persons.values()))
            found = read_features(connection, served.model.plan, self.tenant, whom, moment, head.seq)
            made, shadows = both_sides(served, found, connection, reasons)
        self._log([*made.values(), *shadows])
        told = {name: replace(made[p], name=name) for name, p in persons.items() if p in made}
        return [told.get(name) or NotFoundError(f"nothing is known of {name!r}") for name in people]

    def score_person(self, task: str, person: str, moment: int | None = None, reasons: int = 0) -> Prediction:
        """Score one person from the log; NotFoundError if nothing is known of them."""
        checked_text(person, "user_id")
        (outcome,) = self.score_people(task, [person], moment, reasons)
        if isinstance(outcome, NotFoundError):
            raise outcome
        return outcome

    def score_rows(self, task: str, rows: Sequence[Mapping[str, Any]], reasons: int = 0) -> list[Prediction]:
        """Score given rows; each names every column of the model, None where a value is not known.

        Raises
        ------
        UnknownNameError, NoChampionError, ArtifactError
            The task has no model that can be served.
        BadInputError
            ``field`` names the column, the message also the row; nothing is scored.
        """
        served = self.champions.get(task)
        if not rows:
            return []
        given = plain_rows(served.model, rows)
        columns = served.model.columns_of(given)
        about, ids = [{"row": row} for row in given], [new_id("pred") for _ in given]
        try:
            made = predict(served.model, served.deployment, columns, about, ids, reasons)
        except BadInputError as exc:
            raise located(served.model, given, exc) from exc
        shadows = []
        if served.challenger is not None and same_columns(served):
            shadow_ids = [new_id("pred") for _ in given]
            order = [c.name for c in served.challenger.columns]
            about = [{"row": {name: row[name] for name in order}} for row in given]
            shadows = predict(served.challenger, served.deployment, columns, about, shadow_ids, role="shadow")
        self._log([*made, *shadows])
        return made

    def explain(self, prediction_id: str, top: int | None = None) -> Explained:
        """Recompute a logged prediction and say what moved it; what waits to be logged is logged first.

        Raises
        ------
        NotFoundError
            No such prediction, or the log no longer holds what it was computed from.
        ArtifactError
            Its model cannot be loaded, or says something else now.
        GoneError
            It was erased with its person.
        """
        if self.commits is not None:
            self.commits.flush()
        told = self.recomputer.explain(prediction_id, top)
        if (person := told.row["person"]) is None:
            return told
        return replace(told, name=self.directory.user_ids([person])[0])

    def describe(self, task: str) -> dict[str, Any]:
        """What the deployed model of a task is and reads, as plain JSON."""
        return describe(self.champions.get(task))

    def _log(self, made: Sequence[Prediction]) -> None:
        if self.commits is None or not made:
            self.log.write(made)
        else:
            rows = [prediction.logged(self.tenant) for prediction in made]
            self.commits.later("predictions", [tuple(row[c] for c in COLUMNS) for row in rows])
