"""The workbench in a notebook: ``wb = gb.open()``."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from growthbench.base.errors import BadInputError
from growthbench.base.settings import Settings, be_quiet
from growthbench.workbench.people import features_now, people_list
from growthbench.workbench.progress import Bars
from growthbench.workbench.words import Words

if TYPE_CHECKING:
    import pandas as pd

    from growthbench.events.log import EventLog
    from growthbench.features.catalogue import Catalogue
    from growthbench.people.directory import Directory
    from growthbench.predictions.scorer import Scorer
    from growthbench.runs.review import Review
    from growthbench.store.engine import Store
    from growthbench.workbench.log_view import LogView
    from growthbench.workbench.service import Service
    from growthbench.workbench.training import TrainedRun


class Workbench(Words):
    """One home: its log, its models, its runs.

    Parameters
    ----------
    settings : Settings
        Where things are; ``growthbench.open()`` reads them from the environment.
    params : Path, optional
        ``params.yaml`` with the defaults of every task; without one the package's own defaults hold.

    Examples
    --------
    >>> import growthbench as gb
    >>> wb = gb.open()                                         # doctest: +SKIP
    >>> wb.load("world:b2b", people=2000)                      # doctest: +SKIP
    >>> run = wb.train("churn")                                # doctest: +SKIP
    """

    def __init__(self, settings: Settings, params: Path | None = None):
        be_quiet()
        self.settings = settings
        self.params = params

    @cached_property
    def store(self) -> "Store":
        """The operational store, opened when first used."""
        from growthbench.store.engine import open_store

        return open_store(self.settings.database_url)

    @cached_property
    def log(self) -> "EventLog":
        """The tenant's event log."""
        from growthbench.events.log import EventLog

        return EventLog(self.store, self.settings.tenant)

    @cached_property
    def directory(self) -> "Directory":
        """Whose a user id is."""
        from growthbench.people.directory import Directory
        from growthbench.store.keyring import Keyring

        return Directory(self.store, Keyring.open(self.settings.home), self.settings.tenant)

    @cached_property
    def scorer(self) -> "Scorer":
        """Scores with what is deployed."""
        from growthbench.learning.tasks import TASKS
        from growthbench.predictions.scorer import Scorer

        return Scorer(self.store, self.settings.home, self.settings.tenant, TASKS, directory=self.directory)

    def load(self, source: str, people: int | None = None, seed: int | None = None) -> "LogView":
        """Bring the events of a source into the log; those it knows already change nothing.

        Parameters
        ----------
        source : str
            ``world:b2b``, ``world:shop``, ``dataset:online-retail`` or ``import:PATH``.
        people, seed : int, optional
            Size and seed of a world.
        """
        from growthbench.people.keyed_log import KeyedLog
        from growthbench.workbench.loading import bring_in
        from growthbench.workbench.sources import read_log

        log = KeyedLog(self.log, self.directory)
        with Bars() as bars:
            bring_in(read_log(self._data(source, people, seed), self.settings), log, bars)
        return self.events()

    def events(self) -> "LogView":
        """The log, lazily: nothing is read until it is looked at."""
        from growthbench.workbench.log_view import LogView

        return LogView(self.log, self.settings.home / "lakes" / f"store-{self.settings.tenant}", self.directory)

    def features(
        self,
        people: Sequence[str] | None = None,
        names: Sequence[str] | None = None,
        moment: "int | str | datetime | None" = None,
        catalogue: "Catalogue | None" = None,
    ) -> "pd.DataFrame":
        """What is known of people as of a moment, or, without people, what the features are.

        Parameters
        ----------
        people : sequence of str, optional
            User ids, or ``anonymous:ID``.
        names : sequence of str, optional
            Features wanted; all shipped ones by default.
        moment : int, str or datetime, optional
            UTC µs, ISO 8601 text or a datetime; now by default.
        catalogue : Catalogue, optional
            Declarations to read; the shipped ones by default. `growthbench.feature` makes one with a new feature.

        Returns
        -------
        pandas.DataFrame
            One row per person (index ``person``) and one column per feature; or ``name unit about`` per feature.
        """
        import pandas as pd

        from growthbench.features.shipped import CATALOGUE

        catalogue = CATALOGUE if catalogue is None else catalogue
        catalogue = catalogue.select(names) if names else catalogue
        if people is None:
            return pd.DataFrame(catalogue.describe()).set_index("name")
        return features_now(self.directory, catalogue, people, moment)

    def train(
        self,
        what: "str | pd.DataFrame",
        data: str | None = None,
        *,
        label: str | None = None,
        positive: Any = None,
        time: str | None = None,
        key: str | None = None,
        drop: Sequence[str] = (),
        people: int | None = None,
        **overrides: Any,
    ) -> "TrainedRun":
        """Train a task, or a model on any table, and log the run.

        Parameters
        ----------
        what : str or pandas.DataFrame
            Name of a task, or a table (then ``label`` is its target; ``time``, ``key``, ``positive``, ``drop`` as in
            `learning.frame.frame_from_table`).
        data : str, optional
            Source of a task's rows; by default this home's log, or for texts the one in ``params.yaml``.
        **overrides
            Parameters, such as ``seed=1`` or ``**{"search.trials": 20}``.
        """
        from growthbench.learning.params import load_params
        from growthbench.learning.tasks import get_task, table_task
        from growthbench.workbench.training import train_and_log

        with Bars() as bars:
            if isinstance(what, str):
                task = get_task(what)
                params = load_params(self.params, what, overrides)
                frame = self._source(data or self._default(task), people).frame(task, params, bars)
            else:
                from growthbench.learning.frame import frame_from_table

                if label is None:
                    raise BadInputError("train(table) wants label=, the column to predict", field="label")
                frame = frame_from_table(what, label, positive=positive, time=time, key=key, drop=drop)
                task = table_task(kind="binary" if len(frame.classes) == 2 else "multiclass")
                params = load_params(None, "table", overrides)
            return train_and_log(task, frame, params, self.settings, Path.cwd(), bars)

    def runs(self, task: str | None = None, limit: int = 50) -> "pd.DataFrame":
        """Runs of this home, newest first."""
        import pandas as pd

        from growthbench.runs.reading import list_runs

        return pd.DataFrame([v.summary() for v in list_runs(self.settings, task=task, limit=limit)])

    def compare(self, run_a: "str | TrainedRun", run_b: "str | TrainedRun") -> "Review":
        """Only what differs between two runs, metrics with paired intervals."""
        from growthbench.runs.reading import find_run
        from growthbench.runs.review import review

        return review(*(find_run(self.settings, _run_id(r)) for r in (run_a, run_b)))

    def promote(self, run: "str | TrainedRun", force: bool = False):
        """Make a run's model the champion of its task, if the gate lets it."""
        from growthbench.runs.gate import GateParams
        from growthbench.runs.registry import promote

        return promote(self.settings, self.store, _run_id(run), GateParams.load(self.params), force=force)

    def score(self, task: str, people: Sequence[str] | None = None, rows: Sequence[Mapping] | None = None):
        """Scores of people of the log, or of rows, by the champion, as a pandas frame; each is logged."""
        import pandas as pd

        if (people is None) == (rows is None):
            raise BadInputError("score wants people or rows, one of the two", field="people")
        scorer = self.scorer
        if rows is not None:
            given = rows.to_dict("records") if hasattr(rows, "to_dict") else [rows] if isinstance(rows, dict) else rows
            return pd.DataFrame([a.answer() for a in scorer.score_rows(task, list(given))])
        asked = people_list(people)
        return pd.DataFrame([_told(who, a) for who, a in zip(asked, scorer.score_people(task, asked))])

    def explain(self, prediction_id: str) -> "pd.DataFrame":
        """Reasons of a logged prediction, strongest first: ``column value contribution`` in log-odds."""
        import pandas as pd

        return pd.DataFrame(self.scorer.explain(prediction_id).answer()["reasons"])

    def serve(self, port: int = 3000) -> "Service":
        """Start the Door beside this notebook, with keys of its own; ``.stop()`` ends it."""
        from growthbench.workbench.service import Service

        return Service(self.settings, port, self.settings.home / "door.log").start()

    def _data(self, source: str, people: int | None, seed: int | None = None):
        from growthbench.learning.params import load_data_params

        given = {"source": source, "people": people, "seed": seed}
        return replace(load_data_params(self.params), **{k: v for k, v in given.items() if v is not None})

    def _source(self, spec: str, people: int | None):
        from growthbench.workbench.sources import open_source

        return open_source(self._data(spec, people), self.settings)

    def _default(self, task) -> str:
        from growthbench.learning.params import load_data_params

        return load_data_params(self.params).texts if task.kind == "text" else "store"

    def __repr__(self) -> str:
        return f"Workbench({self.settings.home}, tenant={self.settings.tenant!r})"


def _told(person: str, answer) -> dict:
    return answer.answer() if hasattr(answer, "answer") else {"user_id": person, "problem": str(answer)}


def _run_id(run: "str | TrainedRun") -> str:
    return run if isinstance(run, str) else run.run_id
