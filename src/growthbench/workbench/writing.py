"""Content from the documents of this home, kept in its library, and prompts compiled on what people made of it."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from growthbench.base.errors import NotReadyError, UnknownNameError
from growthbench.workbench.ask import Asker, sample_folder

if TYPE_CHECKING:
    from growthbench.content.comparing import Comparison
    from growthbench.content.optimizing import Optimised
    from growthbench.content.pieces import Piece
    from growthbench.content.studies import Study

_QUESTIONS = "questions.jsonl"


def write_piece(
    asker: Asker, brief: dict[str, Any], *, by: str, role: str | None = None, seed: int = 0, keep: bool = True
) -> "Piece":
    """Write what a brief asks for; with ``keep`` its variants go into the library.

    Parameters
    ----------
    asker : Asker
        The knowledge base; the sample company comes in if there are no documents.
    brief : object
        See `content.brief.Brief`.
    by : str
        Who has it written, for the library.
    """
    from dataclasses import replace

    from growthbench.content import library
    from growthbench.content.brief import Brief
    from growthbench.content.writing import write

    brief = Brief.of(brief)
    asker.ready()
    tenant = asker.settings.tenant
    piece = write(brief, base=asker.base, tenant=tenant, role=role, shelf=asker.shelf, seed=seed)
    if not keep:
        return piece
    kept = library.keep(asker.base.store, tenant, piece, by)
    return replace(piece, metadata={**piece.metadata, "content_ids": [one.content_id for one in kept]})


def optimize_program(
    asker: Asker,
    program: str,
    budget: str,
    *,
    questions: Path | None = None,
    force: bool = False,
    seed: int = 0,
    most: int = 60,
    say: Callable[[str], None] | None = None,
) -> "Optimised":
    """Compile a program's prompt; accepted ones speak from now on, and are shown in MLflow.

    Scores, interval and prompt are written to ``prompts/<run>/`` of the home, accepted or not.

    Parameters
    ----------
    program : str
        One of `content.studies.PROGRAMS`.
    budget : str
        USD.
    questions : Path, optional
        Labelled questions for ``answers``; the sample company's by default.
    """
    from growthbench.content.optimizing import optimize
    from growthbench.ledger.micros import micros

    micros(budget, "budget")  # a budget that is none is refused before anything is built
    store, tenant = asker.base.store, asker.settings.tenant
    study = _study(asker, program, questions, most)
    done = optimize(study, store=store, tenant=tenant, budget=budget, force=force, seed=seed, say=say)
    params = {"seed": seed, "most": most, "written_by": done.written_by, "accepted": done.accepted}
    _record(asker, done.comparison, done.run, params, done.state)
    if done.accepted:
        _mirrored(asker, program, say)
    return done


def prompt_versions(asker: Asker, program: str, serve: int | None = None) -> list[dict[str, Any]]:
    """Versions of a program's prompt, the newest first; with ``serve`` that one speaks from now on (0: as written)."""
    from growthbench.language import prompts

    _known(program)
    store, tenant = asker.base.store, asker.settings.tenant
    if serve is not None:
        prompts.serve_prompt(store, tenant, program, serve)
        _mirrored(asker, program, asker.say)
    now = prompts.served(store, tenant, program)
    return [
        {
            "version": one.version,
            "speaks": now is not None and one.version == now.version,
            "evidence": dict(one.evidence),
        }
        for one in prompts.prompts_of(store, tenant, program)
    ]


def compare_versions(
    asker: Asker, program: str, first: int, second: int, budget: str, *, questions: Path | None = None, most: int = 60
) -> "Comparison":
    """Ask two versions of a prompt the same examples (A/B); 0 is the program as it was written."""
    from growthbench.base.ids import new_id
    from growthbench.content.comparing import compare_prompts
    from growthbench.language.prompts import prompt_of
    from growthbench.ledger.micros import micros

    micro, store, tenant = micros(budget, "budget"), asker.base.store, asker.settings.tenant
    study, run = _study(asker, program, questions, most), new_id("cmp")
    states = [prompt_of(store, tenant, program, one).state if one else None for one in (first, second)]
    names = (f"{program}@{first}", f"{program}@{second}")
    found = compare_prompts(study, *states, store=store, tenant=tenant, names=names, run=run, budget=micro)
    _record(asker, found, run, {"first": first, "second": second, "most": most}, states[1])
    return found


def _study(asker: Asker, program: str, questions: Path | None, most: int) -> "Study":
    from growthbench.content.studies import ANSWERS, study_of

    _known(program)
    asker.ready()
    if program == ANSWERS and questions is None:
        questions = sample_folder(asker.settings) / _QUESTIONS
    return study_of(program, asker.base, tenant=asker.settings.tenant, questions=questions, most=most)


def _known(program: str) -> None:
    from growthbench.content.studies import PROGRAMS

    if program not in PROGRAMS:
        raise UnknownNameError("program", program, PROGRAMS, field="program")


def _record(asker: Asker, found: "Comparison", run: str, params: dict[str, Any], state: str | None) -> None:
    from tempfile import TemporaryDirectory

    from growthbench.content.comparing import comparison_record
    from growthbench.runs.tracking import log_run

    with TemporaryDirectory(prefix="growthbench-prompts-") as scratch:
        record = comparison_record(found, Path(scratch), data="examples", params=params | {"run": run}, state=state)
        made = log_run(record, asker.settings)
    asker.say(f"scores, interval and prompt: run {made} of {record.task}")


def _mirrored(asker: Asker, program: str, say: Callable[[str], None] | None) -> None:
    from growthbench.runs.prompts import mirror_prompts

    try:
        mirror_prompts(asker.settings, asker.base.store, program)
    except NotReadyError as exc:  # what speaks is decided in the store; MLflow only shows it
        (say or asker.say)(f"MLflow does not show it yet: {exc}")
