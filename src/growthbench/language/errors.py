"""Errors of language models, one place; each is also one of base's, so that the rims know what to answer."""

from growthbench.base.errors import BadInputError, NotReadyError


class UnpricedModelError(BadInputError):
    """Nobody knows what a model costs, so no limit could hold for it."""

    title = "Unknown price"


class NoOfflineWriterError(NotReadyError):
    """The offline engine does not know how to write what a program asks for."""

    title = "Nobody can write this offline"


class ModelsUnavailableError(NotReadyError):
    """No model that may be asked has answered.

    Parameters
    ----------
    faults : list of str
        One line per model asked.
    """

    title = "No language model answers"

    def __init__(self, faults: list[str]):
        super().__init__("no language model answers: " + "; ".join(faults))
        self.faults = faults


class EmbeddingsUnavailableError(NotReadyError):
    """The provider of embeddings gave no vectors that could be used.

    Parameters
    ----------
    model : str
    fault : str
        What it did instead.
    """

    title = "No vectors of texts"

    def __init__(self, model: str, fault: str):
        super().__init__(f"no vectors from {model}: {fault}")
        self.model, self.fault = model, fault


class UnreadableReplyError(NotReadyError):
    """A model answered, but not in the form that the program asked for, twice."""

    title = "Unreadable reply"


class RefusedRequestError(BadInputError):
    """A provider says that the request itself is wrong; another model would not help."""

    title = "Refused by the provider"


class NotRecordedError(NotReadyError):
    """A transcript that is replayed does not hold the request."""

    title = "Not in the transcript"
