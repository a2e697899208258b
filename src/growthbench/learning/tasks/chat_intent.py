"""Chat intent: what does somebody who writes to us want, if it is anything we know?"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from growthbench.base.errors import BadInputError
from growthbench.learning.task import Gates, Task

if TYPE_CHECKING:
    import pandas as pd

    from growthbench.learning.frame import TrainingFrame


class ChatIntent(Task):
    """One short text in, one of the known intents out, or "out of scope"; learned from labelled texts, not a log."""

    name: ClassVar[str] = "chat_intent"
    kind: ClassVar[str] = "text"
    about: ClassVar[str] = "What does this message ask for, or is it out of scope?"
    split: ClassVar[str] = "given"
    gates: ClassVar[Gates] = Gates(metric="accuracy")
    defaults: ClassVar[Mapping[str, Any]] = {"text": {"min_count": 2, "c": 1.0, "refused": 0.04}}

    def spine(self, lake, params):
        """Refused: an event log holds no labelled texts."""
        raise BadInputError(f"task {self.name!r} learns from labelled texts: give a text data set as data", "data")


def frame_from_texts(table: "pd.DataFrame", source: str = "frame") -> "TrainingFrame":
    """A training frame of labelled texts.

    Parameters
    ----------
    table : pandas.DataFrame
        ``text`` and ``intent``; optional ``split`` (train, valid, test) and ``out_of_scope`` (bool).
    source : str
        Name of the data, such as ``dataset:clinc150``.

    Raises
    ------
    BadInputError
        A column is absent, a text or intent is missing, or a split has another name; ``field`` names the column.
    """
    import pandas as pd

    from growthbench.learning.columns import Column
    from growthbench.learning.frame import TrainingFrame
    from growthbench.learning.text_training import SPLITS

    for name in ("text", "intent"):
        if name not in table:
            raise BadInputError(f"no column {name!r}; the table has {', '.join(map(str, table.columns))}", field=name)
        if not table[name].map(lambda v: isinstance(v, str)).all():
            raise BadInputError(f"{name} must be text in every row", field=name)
    outside = table["out_of_scope"].to_numpy(bool) if "out_of_scope" in table else np.zeros(len(table), bool)
    splits = table["split"].to_numpy(object) if "split" in table else None
    if splits is not None and (odd := sorted(set(splits) - set(SPLITS), key=str)):
        raise BadInputError(f"split must be one of {SPLITS}, found {odd[0]!r}", field="split")
    classes = tuple(sorted(set(table["intent"][~outside])))
    if len(classes) < 2:
        raise BadInputError(f"there is nothing to tell apart: intents {classes}", field="intent")
    number = {name: i for i, name in enumerate(classes)}
    return TrainingFrame(
        X=pd.DataFrame({"text": table["text"].to_numpy(object)}),
        y=np.array([-1 if out else number[v] for v, out in zip(table["intent"], outside)], np.int64),
        classes=classes,
        key=np.arange(len(table)).astype(str).astype(object),
        columns=(Column("text", "text", about="what was written"),),
        source=source,
        out_of_scope=outside,
        splits=splits,
    )
