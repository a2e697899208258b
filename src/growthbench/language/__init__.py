"""Who speaks: language models behind one door with prices, limits, a mask, a cache, and an honest offline mode."""

from growthbench.language import offline
from growthbench.language.calls import Call, Spending, settle_lapsed, spending
from growthbench.language.costs import cost, estimated_tokens, monthly_total, projected_cost
from growthbench.language.embedding_settings import EmbeddingSettings
from growthbench.language.embeddings import Embeddings
from growthbench.language.errors import (
    EmbeddingsUnavailableError,
    ModelsUnavailableError,
    NoOfflineWriterError,
    NotRecordedError,
    RefusedRequestError,
    UnpricedModelError,
    UnreadableReplyError,
)
from growthbench.language.masking import Mask
from growthbench.language.models import KINDS, PRIORITIES, ModelCard, ModelTable, model_table
from growthbench.language.reply_cache import forget_replies
from growthbench.language.routing import candidates
from growthbench.language.settings import LanguageSettings, Patience
from growthbench.language.speaking import speaking
from growthbench.language.speech import Speech
from growthbench.language.transcripts import Transcript

__all__ = [
    "KINDS",
    "PRIORITIES",
    "Call",
    "EmbeddingSettings",
    "Embeddings",
    "EmbeddingsUnavailableError",
    "LanguageSettings",
    "Mask",
    "ModelCard",
    "ModelTable",
    "ModelsUnavailableError",
    "NoOfflineWriterError",
    "NotRecordedError",
    "Patience",
    "RefusedRequestError",
    "Speech",
    "Spending",
    "Transcript",
    "UnpricedModelError",
    "UnreadableReplyError",
    "candidates",
    "cost",
    "estimated_tokens",
    "forget_replies",
    "model_table",
    "monthly_total",
    "offline",
    "projected_cost",
    "settle_lapsed",
    "speaking",
    "spending",
]
