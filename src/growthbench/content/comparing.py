"""Two prompts over the same examples: a score each, the paired difference, and a record for review."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from growthbench.base.errors import BadInputError
from growthbench.base.ids import digest
from growthbench.base.jsonio import write_json, write_text
from growthbench.base.run_record import RunRecord
from growthbench.base.statistics import Estimate, estimate, mean_of, paired
from growthbench.content.studies import Study
from growthbench.learning.configuration import PROMPT, save_configuration

RESAMPLES = 2000
AFTER, BEFORE = "prompt_score", "prompt_score_before"


@dataclass(frozen=True)
class Comparison:
    """Scores of two prompts, example by example.

    Attributes
    ----------
    program, first, second : str
        Names of the prompts, such as ``email@0`` and ``email@2``.
    keys : tuple of str
    a, b : ndarray, shape (examples,)
    difference : Estimate
        Mean of ``b - a`` with its 95 % paired bootstrap interval.
    """

    program: str
    first: str
    second: str
    keys: tuple[str, ...]
    a: np.ndarray
    b: np.ndarray
    difference: Estimate

    @property
    def better(self) -> bool:
        """Whether the second one was shown to be better: the whole interval lies above zero."""
        return self.difference.lo > 0

    @property
    def verdict(self) -> str:
        """In words."""
        if self.better:
            return "better"
        return "worse" if self.difference.hi < 0 else "no difference shown"

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        d = self.difference
        told = {"examples": len(self.keys), "first": self.first, "second": self.second, "verdict": self.verdict}
        scores = {"score_first": float(self.a.mean()), "score_second": float(self.b.mean())}
        return told | scores | {"difference": d.value, "lo": d.lo, "hi": d.hi}


def compare(
    program: str, first: str, second: str, keys: Sequence[str], a: Sequence[float], b: Sequence[float], seed: int = 0
) -> Comparison:
    """The paired comparison of two lists of scores on the same examples.

    >>> compare("email", "email@0", "email@1", ["x", "y"], [0, 0], [1, 1]).better
    True
    """
    if not len(keys) == len(a) == len(b) or not keys:
        raise BadInputError(
            f"a paired comparison needs the same examples: {len(keys)}, {len(a)} and {len(b)}", field="keys"
        )
    one, two = np.asarray(a, np.float64), np.asarray(b, np.float64)
    rng = np.random.default_rng(seed)
    found = paired({"score": mean_of(one)}, {"score": mean_of(two)}, len(one), RESAMPLES, rng)["score"]
    return Comparison(program, first, second, tuple(keys), one, two, found)


def scores_of(program: Any, study: Study, examples: Sequence[Any]) -> list[float]:
    """The study's metric of every example; what could not be read scores 0. Call it inside `language.speaking`."""
    from growthbench.content.guarded import Guarded

    guarded = program if isinstance(program, Guarded) else Guarded(program)
    return [float(study.metric(example, guarded(**example.inputs()))) for example in examples]


def compare_prompts(
    study: Study,
    state_a: str | None,
    state_b: str | None,
    *,
    store: Any,
    tenant: str,
    settings: object = None,
    names: tuple[str, str] = ("a", "b"),
    run: str | None = None,
    budget: int | None = None,
    seed: int = 0,
) -> Comparison:
    """Ask both prompts everything, and compare (A/B).

    Parameters
    ----------
    study : Study
    state_a, state_b : str or None
        As `language.prompts.Prompt.state`; None: the program as it was written.
    budget : int, optional
        Micro-USD for both together; needs ``run``.
    """
    from growthbench.language import speaking
    from growthbench.language.prompts import load_into

    with speaking(
        settings,
        store,
        tenant=tenant,
        kind=study.kind,
        run=run,
        budget=budget,
        batch=True,
        fallback=False,
        agent="optimizer",
    ):
        a, b = (scores_of(load_into(study.build(), state), study, study.examples) for state in (state_a, state_b))
    return compare(study.name, *names, [example.key for example in study.examples], a, b, seed)


def comparison_record(
    compared: Comparison, out: Path, *, data: str, params: Mapping[str, Any], state: str | None = None, seed: int = 0
) -> RunRecord:
    """Write scores, metrics, prompt and card, as a record that a reviewer can hold against another."""
    import pandas as pd

    out.mkdir(parents=True, exist_ok=True)
    values = {f"measure_{name}": scores for name, scores in ((AFTER, compared.b), (BEFORE, compared.a))}
    rows = pd.DataFrame({"key": compared.keys, "label": 1, "baseline_silence": 0.0, **values})
    rows.to_parquet(out / "evaluation.parquet", index=False)
    rng, n = np.random.default_rng(seed), len(compared.keys)
    found = estimate({AFTER: mean_of(compared.b), BEFORE: mean_of(compared.a)}, n, RESAMPLES, rng)
    found["gain_score"] = compared.difference
    metrics = {
        f"{k}{end}": float(v) for k, e in found.items() for end, v in (("", e.value), ("_lo", e.lo), ("_hi", e.hi))
    }
    write_json(metrics, out / "metrics.json")
    task = f"{PROMPT}{compared.program}"
    save_configuration(out / "prompt", task, {"prompt": state or "", "name": compared.second})
    card = _card(compared)
    write_text(card, out / "card.md")
    return RunRecord(
        task=task,
        data=data,
        params=dict(params),
        metrics=metrics,
        evaluation=out / "evaluation.parquet",
        artifact=out / "prompt",
        card=card,
        feature_hash=digest(state or ""),
        data_hash=digest(*compared.keys),
        tables={
            "examples": [
                {"key": k, "before": float(x), "after": float(y)}
                for k, x, y in zip(compared.keys, compared.a, compared.b)
            ]
        },
        tags={"main_metric": AFTER, "first": compared.first, "second": compared.second, "verdict": compared.verdict},
    )


def _card(compared: Comparison) -> str:
    d = compared.difference
    return (
        f"# {compared.program}: {compared.second} against {compared.first}\n\n"
        f"{len(compared.keys)} examples, score {compared.a.mean():.3f} to {compared.b.mean():.3f}: "
        f"difference {d.value:+.3f}, 95 % from {d.lo:+.3f} to {d.hi:+.3f}, {compared.verdict}.\n"
    )
