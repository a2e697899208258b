"""The one way to a language model: a block in which DSPy speaks through our router, limits and mask."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from growthbench.base.errors import BadInputError, GrowthbenchError
from growthbench.language.asking import listener
from growthbench.language.calls import CallBook
from growthbench.language.dspy_ready import dspy_ready
from growthbench.language.engines import AsyncSpeakerEngine, SpeakerEngine
from growthbench.language.errors import UnreadableReplyError
from growthbench.language.models import model_table
from growthbench.language.reply_cache import WEEK_S, ReplyCache
from growthbench.language.routing import candidates
from growthbench.language.settings import LanguageSettings
from growthbench.language.speaker import Speaker, Work
from growthbench.language.speech import Speech
from growthbench.language.transcripts import Transcript
from growthbench.ledger.limits import set_limit
from growthbench.store.engine import Store


@contextmanager
def speaking(
    settings: object = None,
    store: Store | None = None,
    *,
    tenant: str = "local",
    kind: str = "content_generation",
    priority: str = "quality",
    agent: str | None = None,
    run: str | None = None,
    budget: int | None = None,
    known_ids: Iterable[str] = (),
    batch: bool = False,
    fallback: bool = True,
    cache_s: float = WEEK_S,
    transcript: Transcript | None = None,
    temperature: float | None = None,
    max_tokens: int | None = None,
) -> Iterator[Speech]:
    """Let DSPy programs speak inside a block.

    Parameters
    ----------
    settings : LanguageSettings, optional
        Which models may be asked; anything else (base's ``Settings``, None): read from the environment.
    store : Store, optional
        Where limits, traces and the response cache are. Without one only the offline engine and replayed transcripts
        answer.
    tenant : str, default "local"
    kind, priority : str
        The router's cell, and how long and how free replies are (LLM-04, LLM-06).
    agent, run : str, optional
        Who spends, for limits and the trace.
    budget : int, optional
        Micro-USD that ``run`` may spend in total: sets the run's limit.
    known_ids : iterable of str
        Identifiers (user ids, names) to mask besides what is recognised by itself.
    batch : bool, default False
        Nobody waits: longer time-outs, one more attempt.
    fallback : bool, default True
        Ask the next model when one does not answer.
    cache_s : float, default a week
        Age up to which a cached reply serves; 0 asks anew.
    transcript : Transcript, optional
        Instead of the one that ``GROWTHBENCH_LM_TRANSCRIPT`` names.
    temperature, max_tokens : optional
        Instead of the kind's.

    Yields
    ------
    Speech
        Who spoke, for how many tokens and how much; complete when the block is left.

    Raises
    ------
    BudgetError, ModelsUnavailableError, NoOfflineWriterError, UnreadableReplyError, ...
        Our own errors, in place of DSPy's wrapping, when they leave the block.

    Examples
    --------
    ::

        with speaking(LanguageSettings.read(), store, kind="reasoning", run="report-7") as speech:
            answer = program(question="...")
        print(speech.written_by, speech.cost)
    """
    settings = settings if isinstance(settings, LanguageSettings) else LanguageSettings.read()
    order = candidates(settings, kind, priority, fallback)
    if budget is not None:
        _set_budget(store, tenant, run, budget)
    transcript = transcript or Transcript.told(settings.transcript)
    speech, work = Speech(), Work(tenant, kind, priority, agent, run)
    book = CallBook(store, tenant, {"agent": agent, "run": run}) if store is not None else None
    cache = ReplyCache(store, tenant, cache_s) if store is not None else None
    patience = settings.batch if batch else settings.request
    speaker = Speaker(settings, work, order, patience, speech, book, cache, known_ids, transcript)
    replies = model_table().replies[kind]
    dspy = dspy_ready()
    lm = dspy.LM(
        f"growthbench/{kind}-{priority}",
        engine=SpeakerEngine(speaker),
        async_engine=AsyncSpeakerEngine(speaker),
        cache=False,  # ours knows tenants and age
        num_retries=0,  # ours knows money
        temperature=replies.temperature if temperature is None else temperature,
        max_tokens=replies.max_tokens if max_tokens is None else max_tokens,
    )
    try:
        with dspy.context(lm=lm, callbacks=[*dspy.settings.get("callbacks", []), listener()]):
            yield speech
    except Exception as exc:
        if (ours := _ours(exc)) is exc:
            raise
        raise ours from exc
    finally:
        speaker.flush()


def _set_budget(store: Store | None, tenant: str, run: str | None, budget: int) -> None:
    if run is None or store is None:
        raise BadInputError("a budget is the limit of a run: name the run and pass the store", field="budget")
    set_limit(store, tenant, f"run:{run}", "total", budget)


def _ours(exc: Exception) -> Exception:
    """Our own error inside DSPy's wrapping, or the error itself."""
    from dspy.utils.exceptions import AdapterParseError, LMError

    if isinstance(exc, AdapterParseError):
        wanted = ", ".join(exc.signature.output_fields)
        return UnreadableReplyError(f"the model's reply does not hold {wanted}: {str(exc.lm_response)[:200]!r}")
    inner: BaseException | None = exc
    while isinstance(inner, LMError):
        inner = inner.__cause__
    return inner if isinstance(inner, GrowthbenchError) else exc
