"""Champion and challenger: who is answered by which, the same people every time; the other one watches."""

from collections.abc import Sequence
from hashlib import blake2b

from sqlalchemy import Connection

from growthbench.base.ids import new_id
from growthbench.learning.model import Model
from growthbench.predictions.champions import Served
from growthbench.predictions.engine import predict
from growthbench.predictions.people import PeopleFeatures, read_features
from growthbench.predictions.prediction import Prediction

_SCALE = 2.0**64


def by_challenger(tenant: str, task: str, person: str, share: float) -> bool:
    """Whether a person belongs to the challenger's share; a larger share keeps all who belonged to a smaller one.

    >>> sum(by_challenger("local", "churn", f"p{i}", 0.2) for i in range(1000))
    200
    """
    if share <= 0.0:
        return False
    drawn = blake2b(f"{tenant}\x00{task}\x00{person}".encode(), digest_size=8).digest()
    return int.from_bytes(drawn, "big") / _SCALE < share


def predict_people(served: Served, found: PeopleFeatures, ids: Sequence[str], reasons: int = 0) -> list[Prediction]:
    """The champion's predictions of people whose features were read; not logged."""
    return _predicted(served, served.model, found, ids, "champion", reasons)


def both_sides(
    served: Served, found: PeopleFeatures, connection: Connection, reasons: int = 0
) -> tuple[dict[str, Prediction], list[Prediction]]:
    """Predictions of people whose features were read for the champion: those to answer with, by person, and what the
    model that does not answer would have said. Not logged.

    Parameters
    ----------
    connection : sqlalchemy.Connection
        In the transaction that the features were read in: a challenger may read others.
    reasons : int
        How many reasons to add to the answers.
    """
    rival, share, task = served.challenger, served.deployment.share, served.model.task
    if rival is None or not found.people:
        return {p.person: p for p in predict_people(served, found, _ids(found), reasons)}, []
    theirs = rival_features(served, found, connection)
    moved = {p for p in found.people if by_challenger(served.tenant, task, p, share)}
    kept = set(found.people) - moved
    answers = _predicted(served, served.model, among(found, kept), None, "champion", reasons)
    answers += _predicted(served, rival, among(theirs, moved), None, "challenger", reasons)
    shadows = _predicted(served, rival, among(theirs, kept), None, "shadow")
    shadows += _predicted(served, served.model, among(found, moved), None, "shadow")
    return {p.person: p for p in answers}, shadows


def rival_features(served: Served, found: PeopleFeatures, connection: Connection) -> PeopleFeatures:
    """The same people, as of the same moment, for the challenger's features."""
    plan = served.challenger.plan
    if plan is None or plan.hash == served.model.plan.hash:
        return found
    return read_features(connection, plan, served.tenant, found.people, found.moment, found.horizon)


def same_columns(served: Served) -> bool:
    """Whether champion and challenger read the same row."""
    return _shape(served.model) == _shape(served.challenger)


def _shape(model: Model) -> list[tuple[str, str]]:
    return sorted((c.name, c.kind) for c in model.columns)


def _ids(found: PeopleFeatures) -> list[str]:
    return [new_id("pred") for _ in found.people]


def among(found: PeopleFeatures, people: set[str]) -> PeopleFeatures:
    """The features of some of the people."""
    if len(people) == len(found.people):
        return found
    places = [i for i, person in enumerate(found.people) if person in people]
    columns = {name: values[places] for name, values in found.columns.items()}
    return PeopleFeatures([found.people[i] for i in places], columns, found.moment, found.horizon)


def _predicted(
    served: Served, model: Model, found: PeopleFeatures, ids: Sequence[str] | None, role: str, reasons: int = 0
) -> list[Prediction]:
    about = [{"person": p, "moment": found.moment, "horizon": found.horizon} for p in found.people]
    ids = ids or _ids(found)
    return predict(model, served.deployment, found.columns, about, ids, reasons, role) if about else []
