"""The service's short way to scores: whoever asks at the same moment shares one snapshot and one run of the model.

Every answer is what `Scorer` would have said; only the work around the model is less.
"""

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection

from growthbench.base.clock import now_us
from growthbench.base.errors import BadInputError, GrowthbenchError, NotFoundError
from growthbench.base.ids import new_ids
from growthbench.learning.row_reader import Values
from growthbench.people.bulk import rows_with
from growthbench.people.directory import called
from growthbench.people.remembered import Remembered
from growthbench.predictions.answers import Answer, Teller
from growthbench.predictions.champions import Served
from growthbench.predictions.people import PeopleFeatures, read_features
from growthbench.predictions.scorer import Scorer
from growthbench.predictions.split import among, by_challenger, rival_features, same_columns

Logged = list[tuple]
"""Rows of the prediction log (`log.COLUMNS`)."""
_HEAD = "SELECT seq, people_version FROM log_heads WHERE tenant_id = {tenant}"
_REMEMBERED = 20_000
_encode = msgspec.json.Encoder().encode


class Ask(NamedTuple):
    """A person to be scored: by which task, and as whom the caller knows them."""

    task: str
    name: str


def score_rows(served: Served, rows: Sequence[Values]) -> tuple[list[Answer], Logged]:
    """Answers for rows that the model's own reader read, and what is to be logged."""
    model, reader = served.model, served.reader
    found = model.score_matrix(reader.matrix(rows))
    parts = None if model.blend is None else model.parts(reader.columns(rows), found.score)
    return served.teller.tell(found, parts, new_ids("pred", len(rows)), now_us(), given=_given(rows))


def watch_rows(served: Served, rows: Sequence[Values]) -> Logged:
    """What the challenger would have said of the same rows; nothing if it reads other columns."""
    rival = served.challenger
    if rival is None or not same_columns(served):
        return []
    columns = served.reader.columns(rows)
    found = rival.score(columns)
    parts, order = rival.parts(columns, found.score), [c.name for c in rival.columns]
    given = _given(list(zip(*(columns[name] for name in order))))
    return served.watching[1].tell(found, parts, new_ids("pred", len(rows)), now_us(), given=given)[1]


def _given(rows: Sequence[Values]) -> list[str]:
    return [_encode(row).decode() for row in rows]


class QuickPeople:
    """Scores people of one tenant, and remembers what was said of them last.

    Parameters
    ----------
    scorer : Scorer
    remember : int, default 20000
        How many answers stay in memory, for callers whom an older one is enough, and for times without the store.
    """

    def __init__(self, scorer: Scorer, remember: int = _REMEMBERED):
        self.scorer = scorer
        self._recent = Remembered(remember)
        self._version: int | None = None

    def score(
        self, connection: Connection, asks: Sequence[Ask]
    ) -> tuple[list[Answer | GrowthbenchError], Callable[[], Logged] | None, Logged]:
        """Score people as of now.

        Parameters
        ----------
        connection : sqlalchemy.Connection
            In a transaction: all are scored in one snapshot.

        Returns
        -------
        outcomes : list of Answer or GrowthbenchError
            In the order asked.
        later : callable or None
            What the models say that only watch: to be called in the same transaction, when the answers are out.
        logged : list of tuple
            What is to be logged.
        """
        scorer, moment = self.scorer, now_us()
        seq, version = next(iter(rows_with(connection, _HEAD, scorer.tenant)), (0, 0))
        scorer.directory.check(version)
        self.check(version)
        names = list(dict.fromkeys(ask.name for ask in asks))
        persons = dict(zip(names, called(scorer.directory, names, connection)))
        made: dict[tuple[str, str], Answer | GrowthbenchError] = {}
        logged: Logged = []
        watching: list[Callable[[], Logged]] = []
        for task in dict.fromkeys(ask.task for ask in asks):
            whom = {persons[ask.name]: ask.name for ask in asks if ask.task == task}
            try:
                served = served_for_people(scorer, task)
            except GrowthbenchError as exc:
                made.update({(task, person): exc for person in whom})
                continue
            found = read_features(connection, served.model.plan, scorer.tenant, list(whom), moment, seq)
            answers, rows, later = _told(served, found, whom, connection)
            logged += rows
            watching += [later] if later else []
            made.update({(task, person): answer for person, answer in answers.items()})
        outcomes = []
        for task, name in asks:
            answer = made.get((task, persons[name]))
            if answer is None:
                answer = NotFoundError(f"nothing is known of {name!r}")
            elif isinstance(answer, Answer):
                if answer.user_id != name:  # two names of one person
                    answer = msgspec.structs.replace(answer, user_id=name)
                self._recent.put((task, name), (answer, moment))
            outcomes.append(answer)
        after = (lambda: [row for later in watching for row in later()]) if watching else None
        return outcomes, after, logged

    def check(self, version: int) -> None:
        """Forget all answers when ``log_heads.people_version`` is another one: somebody may have been erased."""
        if version != self._version:
            self._recent.clear()
            self._version = version

    def recent(self, ask: Ask, max_age_s: float) -> Answer | None:
        """The last answer given, if it is not older; with its age."""
        return self._aged(ask, max_age_s, cached=True)

    def degraded(self, ask: Ask) -> Answer | None:
        """The last good answer, whatever its age, flagged: for times when the store cannot be asked."""
        return self._aged(ask, float("inf"), degraded=True)

    def _aged(self, ask: Ask, max_age_s: float, **flags: bool) -> Answer | None:
        found = self._recent.get(ask)
        if found is None:
            return None
        answer, moment = found
        age_s = max(0.0, time.time() - moment / 1e6)
        return msgspec.structs.replace(answer, age_s=round(age_s, 3), **flags) if age_s <= max_age_s else None


def served_for_people(scorer: Scorer, task: str) -> Served:
    """The task's model, which must read features of the log.

    Raises
    ------
    UnknownNameError, NoChampionError, ArtifactError, BadInputError
    """
    served = scorer.champions.get(task)
    if served.model.plan is None:
        raise BadInputError(f"{task} is scored by rows: its model reads no features of the log", field="user_ids")
    return served


def _told(served: Served, found: PeopleFeatures, names: dict[str, str], connection: Connection):
    """Answers by person, their log rows, and what is left to do for the models that only watch."""
    rival, people = served.challenger, found.people
    if rival is None or not people:
        answers, rows = _say(served.teller, found, names)
        return dict(zip(people, answers)), rows, None
    share, task = served.deployment.share, served.model.task
    moved = {p for p in people if by_challenger(served.tenant, task, p, share)}
    kept = set(people) - moved
    stays = among(found, kept)
    answers, rows = _say(served.teller, stays, names)
    answers, rows = dict(zip(stays.people, answers)), list(rows)
    if moved:
        theirs = among(rival_features(served, found, connection), moved)
        more, more_rows = _say(served.rival, theirs, names)
        answers.update(zip(theirs.people, more))
        rows += more_rows

    def watch() -> Logged:
        champion, challenger = served.watching
        other = among(rival_features(served, found, connection), kept)
        return _say(champion, among(found, moved), names)[1] + _say(challenger, other, names)[1]

    return answers, rows, watch


def _say(teller: Teller, found: PeopleFeatures, names: dict[str, str]) -> tuple[list[Answer], Logged]:
    people, model = found.people, teller.model
    if not people:
        return [], []
    scores = model.score(found.columns)
    parts = None if model.blend is None else model.parts(found.columns, scores.score)
    return teller.tell(
        scores, parts, new_ids("pred", len(people)), now_us(), [names[p] for p in people], people, None, found.moment,
        found.horizon,
    )  # fmt: skip
