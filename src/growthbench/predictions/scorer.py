"""Score people or rows with the deployed model of a task, log every answer, explain it later."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from growthbench.base.clock import now_us
from growthbench.base.errors import BadInputError, NotFoundError
from growthbench.base.ids import new_id
from growthbench.events.checks import checked_text
from growthbench.predictions.champions import Champions, Served
from growthbench.predictions.describe import describe
from growthbench.predictions.engine import predict
from growthbench.predictions.log import PredictionLog
from growthbench.predictions.people import PeopleFeatures, read_features
from growthbench.predictions.prediction import Prediction
from growthbench.predictions.recompute import Explained, Recomputer
from growthbench.predictions.rows import located, plain_rows
from growthbench.store.engine import Store


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
    """

    def __init__(
        self, store: Store, home: Path, tenant: str = "local", tasks: Iterable[str] = (), follow_s: float = 0.5
    ):
        self.store, self.tenant = store, tenant
        self.champions = Champions(store, home, tenant, tasks, follow_s)
        self.log = PredictionLog(store, tenant)
        self.recomputer = Recomputer(store, self.champions.shelf, self.log)

    def score_people(
        self, task: str, people: Sequence[str], moment: int | None = None, reasons: int = 0
    ) -> list[Prediction | NotFoundError]:
        """Score people from the log, as of now or of an earlier moment.

        One statement reads the features of all of them, in one snapshot with the horizon; all answers are logged in one
        transaction. Somebody without an event is not given a score of any kind: in their place stands the error.

        Parameters
        ----------
        people : sequence of str, length n
            Person ids; one that occurs twice gets one prediction, in both places.
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
        with self.store.reading() as connection:
            found = read_features(connection, served.model.plan, self.tenant, list(dict.fromkeys(people)), moment)
        ids = [new_id("pred") for _ in found.people]
        made = {p.person: p for p in predict_people(served, found, ids, reasons)}
        self.log.write(list(made.values()))
        return [made.get(person) or NotFoundError(f"nothing is known of {person!r}") for person in people]

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
        self.log.write(made)
        return made

    def explain(self, prediction_id: str, top: int | None = None) -> Explained:
        """Recompute a logged prediction and say what moved it.

        Raises
        ------
        NotFoundError
            No such prediction, or the log no longer holds what it was computed from.
        ArtifactError
            Its model cannot be loaded, or says something else now.
        """
        return self.recomputer.explain(prediction_id, top)

    def describe(self, task: str) -> dict[str, Any]:
        """What the deployed model of a task is and reads, as plain JSON."""
        return describe(self.champions.get(task))


def predict_people(served: Served, found: PeopleFeatures, ids: Sequence[str], reasons: int = 0) -> list[Prediction]:
    """Predictions of people whose features were read; not logged."""
    about = [{"person": p, "moment": found.moment, "horizon": found.horizon} for p in found.people]
    return predict(served.model, served.deployment, found.columns, about, ids, reasons) if about else []
