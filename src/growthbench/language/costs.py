"""What tokens cost: exact integers, rounded up to the micro-dollar once per call."""

from collections.abc import Iterable

from growthbench.language.calls import Call
from growthbench.language.models import EmbeddingCard, ModelCard, model_table

_PER = 1_000_000


def cost(card: ModelCard, input_tokens: int, output_tokens: int, cached_tokens: int = 0) -> int:
    """Micro-USD of one call.

    Parameters
    ----------
    card : ModelCard
    input_tokens, output_tokens : int
    cached_tokens : int, default 0
        Of the input tokens, those that the provider read from its own cache and bills cheaper.

    Examples
    --------
    >>> from growthbench.language.models import model_table
    >>> cost(model_table().card("openai/gpt-4o-mini"), 1_000, 200)
    270
    """
    parts = (
        (input_tokens - cached_tokens) * card.input_price
        + cached_tokens * card.cached_price
        + output_tokens * card.output_price
    )
    return -(-parts // _PER)


def embedding_cost(card: EmbeddingCard, tokens: int) -> int:
    """Micro-USD of the vectors of so many tokens.

    >>> embedding_cost(model_table().embeddings["openai/text-embedding-3-small"], 1_000_000)
    20000
    """
    return -(-tokens * card.input_price // _PER)


def monthly_total(model: str, input_tokens: int, output_tokens: int) -> int:
    """Micro-USD of a month's tokens with one model of the table.

    The cost scenario of the requirements (LLM-02), 10 million tokens in and 5 million out:

    >>> names = ("openai/gpt-4-turbo", "xai/grok-2", "anthropic/claude-3-opus", "anthropic/claude-3-sonnet")
    >>> [monthly_total(name, 10_000_000, 5_000_000) / 1_000_000 for name in names]
    [250.0, 125.0, 525.0, 105.0]
    """
    return cost(model_table().card(model), input_tokens, output_tokens)


def input_bound(prompt_bytes: int, messages: int) -> int:
    """Most tokens that a prompt can be: no tokenizer makes more tokens than bytes, and a message adds a few marks.

    >>> input_bound(1000, 2)
    1064
    """
    return prompt_bytes + 16 * (messages + 2)


def estimated_tokens(text_bytes: int) -> int:
    """About how many tokens a text is: for projections, never for limits.

    >>> estimated_tokens(4000)
    1000
    """
    return -(-text_bytes // 4)


def projected_cost(calls: Iterable[Call], card: ModelCard, reply_tokens: int = 300) -> int:
    """About what the same calls would cost with a model: a rehearsal on the offline engine tells how long prompts are.

    Parameters
    ----------
    calls : iterable of Call
        ``speech.calls`` of the rehearsal.
    card : ModelCard
    reply_tokens : int, default 300
        How long a reply is taken to be.

    Returns
    -------
    int
        Micro-USD: an estimate to decide by, not a limit.
    """
    return sum(cost(card, estimated_tokens(call.prompt_bytes), reply_tokens) for call in calls)
