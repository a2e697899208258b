"""Compile a better prompt, if it is one: project the cost, hold the budget, and let held-out examples decide.

BootstrapFewShot (Khattab et al. 2023, DSPy) puts the program's own good answers to training examples into its prompt
as demonstrations. Whether that helps is measured on examples it never saw, paired, against the prompt that speaks now.
Only a difference whose 95 % interval lies above zero is accepted; everything else is refused, and said so.
"""

import contextlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from growthbench.base.errors import BadInputError, NotReadyError
from growthbench.base.ids import new_id
from growthbench.content.comparing import Comparison, compare, scores_of
from growthbench.content.studies import Study
from growthbench.ledger.micros import dollars, micros

if TYPE_CHECKING:
    from growthbench.store.engine import Store

TRAIN_SHARE = 0.4
LEAST_TRAIN, LEAST_HELD_OUT = 4, 8
MOST_DEMOS = 4
REPLY_TOKENS = 400
"""What a reply is taken to cost in the projection."""


class ProjectedCostError(BadInputError):
    """An optimisation would likely cost more than it may."""

    title = "Over budget before it began"


@dataclass(frozen=True)
class Optimised:
    """What came of an optimisation.

    Attributes
    ----------
    program : str
    accepted : bool
    comparison : Comparison
        Held-out examples, the prompt that spoke before against the compiled one.
    version : int or None
        Of the compiled prompt if it was accepted.
    demos : int
        Demonstrations that the compiled prompt holds.
    train, held_out : int
        Numbers of examples.
    projected, cost : int
        Micro-USD, before and after.
    run : str
        Name of the run in ledger and traces.
    written_by : str
    state : str
        The compiled prompt, accepted or not.
    """

    program: str
    accepted: bool
    comparison: Comparison
    version: int | None
    demos: int
    train: int
    held_out: int
    projected: int
    cost: int
    run: str
    written_by: str
    state: str

    @property
    def why(self) -> str:
        """The decision in words."""
        d = self.comparison.difference
        said = f"held-out score {self.comparison.a.mean():.3f} to {self.comparison.b.mean():.3f}, "
        said += f"difference {d.value:+.3f} (95 % {d.lo:+.3f} to {d.hi:+.3f}) on {self.held_out} examples"
        if self.accepted:
            return f"accepted as version {self.version}: {said}"
        if not self.demos:
            return f"refused: no answer to a training example was good enough to demonstrate; {said}"
        return f"refused: {said}, and only an interval above zero is accepted"

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        told = {
            n: getattr(self, n)
            for n in ("program", "accepted", "version", "demos", "train", "held_out", "run", "written_by")
        }
        money = {"projected_usd": dollars(self.projected), "cost_usd": dollars(self.cost)}
        return told | money | {"why": self.why, "comparison": self.comparison.to_dict()}


def optimize(
    study: Study,
    *,
    store: "Store",
    tenant: str,
    budget: int | str,
    settings: object = None,
    force: bool = False,
    seed: int = 0,
    run: str | None = None,
    demos: int = MOST_DEMOS,
    serve: bool = True,
    say: Callable[[str], None] | None = None,
) -> Optimised:
    """Compile a study's program and accept the result if held-out examples show that it is better.

    Parameters
    ----------
    study : Study
        See `studies.study_of`.
    budget : int or str
        Micro-USD, or USD as a text such as "2.00": the limit of this run, held by the ledger whatever happens.
    settings : LanguageSettings, optional
    force : bool, default False
        Begin although the projected cost is over the budget; the budget holds all the same.
    seed : int
        Of the split.
    run : str, optional
        Name of the run; the same name goes on with what it has spent, and cached replies are free.
    demos : int, default 4
    serve : bool, default True
        An accepted prompt speaks from now on.
    say : callable, optional
        Told what is done.

    Raises
    ------
    NotReadyError
        Too few examples.
    ProjectedCostError
    BudgetError
        The budget is used up; nothing was accepted.
    """
    from growthbench.language import prompts, speaking

    say, run = say or (lambda _: None), run or new_id("opt")
    budget = micros(budget, "budget") if isinstance(budget, str) else budget
    train, held_out = split(study.examples, seed)
    now = prompts.served(store, tenant, study.name)
    projected = project(study, train, held_out, settings, demos, now.state if now else None)
    say(
        f"{study.name}: {len(train)} training and {len(held_out)} held-out examples, projected {dollars(projected)} USD"
    )
    if projected > budget and not force:
        raise ProjectedCostError(
            f"compiling {study.name} would cost about {dollars(projected)} USD, the budget is {dollars(budget)}: raise "
            "it, use fewer examples or a cheaper model, or force it (the budget still holds)",
            field="budget",
        )
    with speaking(
        settings, store, tenant=tenant, kind=study.kind, run=run, budget=budget, batch=True, fallback=False,
        agent="optimizer",
    ) as speech:  # fmt: skip
        before = prompts.load_into(study.build(), now.state if now else None)
        a = scores_of(before, study, held_out)
        say(f"{study.name}: before, {np.mean(a):.3f}")
        compiled, used = bootstrapped(study, train, demos)
        b = scores_of(compiled, study, held_out)
        say(f"{study.name}: with {used} demonstrations, {np.mean(b):.3f}")
    state, first = prompts.state_of(compiled), now.name if now else f"{study.name}@0"
    found = compare(study.name, first, "compiled", [example.key for example in held_out], a, b, seed)
    accepted = bool(used) and found.better
    result = Optimised(
        study.name, accepted, found, None, used, len(train), len(held_out), projected, speech.cost, run,
        speech.written_by or "nobody", state,
    )  # fmt: skip
    if accepted:
        evidence = {k: v for k, v in result.to_dict().items() if k not in ("why", "version")} | {"seed": seed}
        kept = prompts.keep_prompt(store, tenant, study.name, state, evidence)
        result = replace(result, version=kept.version)
        if serve:
            prompts.serve_prompt(store, tenant, study.name, kept.version)
    return result


def split(examples: Sequence[Any], seed: int) -> tuple[list[Any], list[Any]]:
    """Training and held-out examples, drawn by seed.

    Raises
    ------
    NotReadyError
        Too few to learn from and to decide by.
    """
    needed = LEAST_TRAIN + LEAST_HELD_OUT
    if len(examples) < needed:
        raise NotReadyError(
            f"there are {len(examples)} examples, {needed} are needed ({LEAST_TRAIN} to learn from, {LEAST_HELD_OUT} "
            "to decide by): label more questions, or edit and approve more drafts"
        )
    order = np.random.default_rng(seed).permutation(len(examples))
    cut = min(max(LEAST_TRAIN, round(TRAIN_SHARE * len(examples))), len(examples) - LEAST_HELD_OUT)
    return [examples[i] for i in order[:cut]], [examples[i] for i in order[cut:]]


def project(
    study: Study, train: Sequence[Any], held_out: Sequence[Any], settings: object, demos: int, state: str | None = None
) -> int:
    """About what an optimisation will cost, in micro-USD: an offline rehearsal tells how long prompts are.

    Counted are the training examples once, the held-out ones twice, the second time with demonstrations as long as the
    longest prompts of the rehearsal.
    """
    from growthbench.language import LanguageSettings, candidates, projected_cost, speaking
    from growthbench.language.prompts import load_into

    asked = settings if isinstance(settings, LanguageSettings) else LanguageSettings.read()
    model = candidates(asked, study.kind, "quality", fallback=False)[0]
    if model == "offline":
        return 0
    calls = []
    for some in (train, held_out):
        with speaking(LanguageSettings(), None, kind=study.kind) as speech:
            scores_of(load_into(study.build(), state), study, some)
        calls.append(speech.calls)
    longest = max((call.prompt_bytes for both in calls for call in both), default=0)
    longer = [replace(call, prompt_bytes=call.prompt_bytes + demos * longest) for call in calls[1]]
    return projected_cost([*calls[0], *calls[1], *longer], asked.card(model), REPLY_TOKENS)


def bootstrapped(study: Study, train: Sequence[Any], demos: int) -> tuple[Any, int]:
    """The program with demonstrations, and how many; call it inside `language.speaking`."""
    from dspy.teleprompt import BootstrapFewShot

    from growthbench.content.guarded import Guarded

    optimizer = BootstrapFewShot(
        metric=study.metric,
        metric_threshold=study.good,
        max_bootstrapped_demos=demos,
        max_labeled_demos=demos if study.labelled else 0,
        max_errors=1,  # whatever `Guarded` lets through is money or an outage: stop
    )
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        compiled = optimizer.compile(Guarded(study.build()), trainset=list(train)).program
    return compiled, sum(len(predictor.demos) for predictor in compiled.predictors())
