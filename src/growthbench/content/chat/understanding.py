"""What trained models say of a message: its intent, by whatever is deployed, and its sentiment."""

from collections.abc import Callable
from functools import cached_property

import numpy as np

from growthbench.base.errors import ArtifactError, BadInputError, NotReadyError, UnknownNameError
from growthbench.content.chat.replies import Intent
from growthbench.learning.text_model import LONGEST_TEXT
from growthbench.predictions.engine import say
from growthbench.predictions.scorer import Scorer

TASK = "chat_intent"


class Understanding:
    """Reads messages.

    Nothing of it is logged: the prediction log would keep the message in plain words beside the answer, and a message
    belongs to its person. What was said of it is kept, sealed, with the reply.

    Parameters
    ----------
    scorer : callable
        Gives the scorer of a tenant, None where there is none.
    sentiment : callable, optional
        From texts to numbers in [-1, 1]; the shipped model by default.
    """

    def __init__(
        self, scorer: Callable[[str], Scorer | None], sentiment: Callable[[list[str]], np.ndarray] | None = None
    ):
        self._scorer, self._given = scorer, sentiment

    def intent(self, tenant: str, text: str) -> tuple[Intent | None, str]:
        """Intent of a message, or None and why there is none."""
        if (scorer := self._scorer(tenant)) is None:
            return None, "no intent: no models here"
        try:
            served = scorer.champions.get(TASK)
        except (UnknownNameError, NotReadyError):
            return None, f"no intent: no champion is deployed for {TASK}"
        except ArtifactError as exc:
            return None, f"no intent: {exc}"
        if len(served.model.columns) != 1 or served.model.kind != "text":
            raise BadInputError(f"the champion of {TASK} does not read texts", field="task")
        (said,) = say(served.model, {served.model.columns[0].name: [text[:LONGEST_TEXT]]})
        return Intent(said.label, said.confidence, served.deployment.model_version), ""

    def sentiment(self, text: str) -> float:
        """Sentiment of a message, -1 to 1."""
        return float(self._sentiment([text])[0])

    @cached_property
    def sentiment_note(self) -> str:
        """What should be known of the sentiment; empty if nothing."""
        if self._given is not None:
            return ""
        from growthbench.learning.sentiment import shipped_sentiment

        reads = shipped_sentiment().reads
        return f"sentiment reads {reads}" if reads.startswith("words only") else ""

    @cached_property
    def _sentiment(self) -> Callable[[list[str]], np.ndarray]:
        if self._given is not None:
            return self._given
        from growthbench.learning.sentiment import shipped_sentiment

        return shipped_sentiment().score
