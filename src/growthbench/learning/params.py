"""Experiment parameters: one validated section of ``params.yaml``, passed on as a frozen typed object."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from growthbench.base.errors import SettingsError


def _at(low: float, high: float = float("inf"), default: Any = None):
    return field(default=default, metadata={"low": low, "high": high})


@dataclass(frozen=True)
class BoosterParams:
    """Gradient boosted trees (XGBoost, histogram); one default for every table, see docs of `learning.estimator`.

    ``rounds`` is the most trees per member; with ``early_stopping`` > 0 their number is the one that was best in the
    inner folds of the training rows.
    """

    rounds: int = _at(1, 10_000, 500)
    learning_rate: float = _at(1e-4, 1, 0.05)
    depth: int = _at(1, 16, 4)
    min_child_weight: float = _at(0, 1e6, 2.0)
    subsample: float = _at(0.05, 1, 0.8)
    colsample: float = _at(0.05, 1, 0.4)
    reg_lambda: float = _at(0, 1e6, 2.0)
    reg_alpha: float = _at(0, 1e6, 0.0)
    max_bins: int = _at(2, 1024, 256)
    early_stopping: int = _at(0, 1000, 40)
    members: int = _at(1, 20, 2)


@dataclass(frozen=True)
class LinearParams:
    """Logistic regression on standardised numbers and one-hot categories, blended in log-odds.

    ``weight`` is its share in the blend: 0 leaves it out, ``auto`` picks the share with the least log loss on
    out-of-fold margins of the training rows. A number's line may bend at ``knots`` quantiles.
    """

    weight: float | Literal["auto"] = _at(0, 1, "auto")
    c: float = _at(1e-6, 1e6, 0.1)
    knots: int = _at(0, 20, 3)


@dataclass(frozen=True)
class SearchParams:
    """Optuna's budget: ``trials`` (0 = no search) and at most ``seconds``."""

    trials: int = _at(0, 1000, 0)
    seconds: float = _at(1, 86_400, 120.0)


@dataclass(frozen=True)
class BandParams:
    """What a wrong decision costs, in units of money; see `learning.bands`.

    Attributes
    ----------
    loss : float
        Lost when the outcome is not acted on: a customer who leaves, a deal that is missed.
    contact_cost, contact_effect : float
        A cheap action, such as an e-mail, and the share of the loss it saves.
    offer_cost, offer_effect : float
        A strong action, such as a call with an offer, and the share it saves.
    """

    loss: float = _at(0, 1e12, 600.0)
    contact_cost: float = _at(0, 1e12, 3.0)
    contact_effect: float = _at(0, 1, 0.1)
    offer_cost: float = _at(0, 1e12, 45.0)
    offer_effect: float = _at(0, 1, 0.3)


@dataclass(frozen=True)
class TextParams:
    """TF-IDF of words and characters with a linear head; ``refused`` is the largest share of in-scope texts refused.

    ``meaning``: ``auto`` also trains heads on sentence vectors where the encoder is installed, and keeps them where
    they are better on validation; ``never`` stays with words. ``strangers`` is ``refused`` of that model.
    """

    word_ngrams: int = _at(1, 4, 2)
    char_ngrams: int = _at(0, 8, 5)
    min_count: int = _at(1, 100, 1)
    max_features: int = _at(100, 2_000_000, 120_000)
    c: float = _at(1e-4, 1e6, 10.0)
    refused: float = _at(0, 0.5, 0.045)
    meaning: Literal["auto", "never"] = "auto"
    strangers: float = _at(0, 0.5, 0.05)


@dataclass(frozen=True)
class DataParams:
    """The ``data`` section: where rows come from (``texts``: for tasks on texts), and the size and seed of a world."""

    source: str = "world:b2b"
    texts: str = "dataset:clinc150-sample"
    people: int = _at(1, 100_000_000, 5_000)
    seed: int = _at(0, 2**31, 0)


@dataclass(frozen=True)
class TrainParams:
    """One task's section.

    Attributes
    ----------
    seed : int
        Everything random in training comes from it.
    folds : int
        Stratified folds for tables, and inner folds of a time split.
    test_share : float
        Share of rows, the newest, that a time split tests on.
    window_days, age_days, every_days, active_days : int
        Length of the label window; age at which a person is scored; distance of the moments of a grid; how recently a
        person must have been active to be looked at.
    moments : int
        At most so many newest moments of a grid.
    definition : {"auto", "contract", "silence"}
        What churn means: see `learning.tasks.churn`.
    leaks : {"drop", "keep"}
        Whether columns known to hold the future are dropped (named loudly either way).
    calibration : {"auto", "beta", "platt"}
        Of a binary task; ``auto`` takes the one that predicts better out of fold.
    bootstrap : int
        Resamples behind every interval.
    """

    seed: int = _at(0, 2**31, 0)
    folds: int = _at(2, 50, 5)
    test_share: float = _at(0.05, 0.9, 0.3)
    window_days: int = _at(1, 3650, 30)
    age_days: int = _at(0, 3650, 14)
    every_days: int = _at(1, 3650, 30)
    active_days: int = _at(1, 3650, 90)
    moments: int = _at(1, 10_000, 12)
    definition: Literal["auto", "contract", "silence"] = "auto"
    leaks: Literal["drop", "keep"] = "drop"
    calibration: Literal["auto", "beta", "platt"] = "auto"
    bootstrap: int = _at(100, 100_000, 1_000)
    booster: BoosterParams = field(default_factory=BoosterParams)
    linear: LinearParams = field(default_factory=LinearParams)
    search: SearchParams = field(default_factory=SearchParams)
    bands: BandParams = field(default_factory=BandParams)
    text: TextParams = field(default_factory=TextParams)

    def flat(self) -> dict[str, Any]:
        """Dotted names to plain values, as runs are logged."""
        return dict(_flatten(self, ""))


def load_params(path: str | os.PathLike | None, task: str, overrides: Mapping[str, Any] | None = None) -> TrainParams:
    """One task's section of ``params.yaml``, with overrides by dotted name.

    Parameters
    ----------
    path : path or None
        The file; None means defaults only. A task without a section has defaults.
    task : str
        Name of the section.
    overrides : mapping, optional
        Such as ``{"seed": 1, "search.trials": "20"}``; a text is read as YAML would.

    Raises
    ------
    SettingsError
        The file cannot be read, or a key or value is wrong; ``field`` names the key and the message the known ones.
    """
    return _section(path, task, TrainParams, overrides, _task_defaults(task))


def load_data_params(path: str | os.PathLike | None, overrides: Mapping[str, Any] | None = None) -> DataParams:
    """The ``data`` section of ``params.yaml``, with overrides."""
    return _section(path, "data", DataParams, overrides, {})


def _task_defaults(task: str) -> Mapping[str, Any]:
    from growthbench.learning.tasks import TASKS, get_task

    return get_task(task).defaults if task in TASKS else {}


def _section(path, name: str, kind, overrides: Mapping[str, Any] | None, defaults: Mapping[str, Any]):
    given = _read_yaml(path).get(name) or {}
    if not isinstance(given, Mapping):
        raise SettingsError(f"section {name} of {path} must be a mapping, found {given!r}", field=name)
    given = _merged(defaults, given)
    for dotted, value in (overrides or {}).items():
        _put(given, dotted, _as_yaml(value), kind)
    return build(kind, given)


def build(kind: type, given: Mapping[str, Any], prefix: str = ""):
    """A parameter object of a nested mapping; unknown keys, wrong types and values out of range are refused."""
    hints, made = get_type_hints(kind), {}
    known = {f.name: f for f in fields(kind)}
    for name, value in given.items():
        where = f"{prefix}{name}"
        if name not in known:
            raise SettingsError(f"unknown parameter {where!r}: known are {', '.join(known)}", field=where)
        if is_dataclass(hints[name]):
            if not isinstance(value, Mapping):
                raise SettingsError(f"{where} must be a mapping, found {value!r}", field=where)
            made[name] = build(hints[name], value, f"{where}.")
        else:
            made[name] = _checked(value, hints[name], known[name].metadata, where)
    return kind(**made)


def _checked(value: Any, hint: Any, limits: Mapping, where: str) -> Any:
    for one in get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,):
        if get_origin(one) is Literal and value in get_args(one):
            return value
        if one in (int, float) and isinstance(value, int | float) and not isinstance(value, bool):
            if one is int and int(value) != value:
                continue
            if not limits.get("low", -float("inf")) <= value <= limits.get("high", float("inf")):
                raise SettingsError(
                    f"{where} must lie between {limits['low']:g} and {limits['high']:g}, found {value!r}", field=where
                )
            return one(value)
        if one is str and isinstance(value, str):
            return value
    raise SettingsError(f"{where} must be {_said(hint)}, found {value!r}", field=where)


def _said(hint: Any) -> str:
    if get_origin(hint) in (Union, UnionType):
        return " or ".join(_said(one) for one in get_args(hint))
    if get_origin(hint) is Literal:
        return "one of " + ", ".join(map(str, get_args(hint))) if len(get_args(hint)) > 1 else str(get_args(hint)[0])
    return {int: "a whole number", float: "a number", str: "a text"}[hint]


def _put(given: dict, dotted: str, value: Any, kind: type) -> None:
    head, _, rest = dotted.partition(".")
    if not rest:
        given[head] = value
        return
    if head not in (known := {f.name for f in fields(kind)}):
        raise SettingsError(f"unknown parameter {dotted!r}: known are {', '.join(sorted(known))}", field=dotted)
    if not is_dataclass(inner := get_type_hints(kind)[head]):
        raise SettingsError(f"{head} has no parts, so there is no {dotted!r}", field=dotted)
    _put(given.setdefault(head, {}), rest, value, inner)


def _merged(defaults: Mapping, given: Mapping) -> dict:
    """The given values over the defaults, groups merged key by key."""
    made = {k: dict(v) if isinstance(v, Mapping) else v for k, v in defaults.items()}
    for name, value in given.items():
        inner = isinstance(value, Mapping)
        made[name] = {**(made.get(name) or {}), **value} if inner else value
    return made


def _as_yaml(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    import yaml

    return yaml.safe_load(value)


def _read_yaml(path: str | os.PathLike | None) -> dict:
    if path is None:
        return {}
    import yaml

    try:
        read = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as exc:
        raise SettingsError(f"cannot read parameters from {path}: {exc}", field="params") from exc
    if not isinstance(read or {}, Mapping):
        raise SettingsError(f"{path} must hold a mapping of sections", field="params")
    return dict(read or {})


def _flatten(params: Any, prefix: str):
    for f in fields(params):
        value = getattr(params, f.name)
        if is_dataclass(value):
            yield from _flatten(value, f"{prefix}{f.name}.")
        else:
            yield f"{prefix}{f.name}", value
