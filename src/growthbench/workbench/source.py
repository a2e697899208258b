"""A source of rows, ready to learn from, and how it is named."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from growthbench.base.errors import BadInputError

if TYPE_CHECKING:
    from growthbench.datasets.table import Table
    from growthbench.events.lake import Lake
    from growthbench.learning.frame import TrainingFrame
    from growthbench.learning.params import TrainParams
    from growthbench.learning.task import Progress, Task

KINDS = ("world", "dataset", "import", "store")


@dataclass(frozen=True)
class Source:
    """Data ready to learn from: either a log (as a lake) or a labelled table.

    Attributes
    ----------
    spec : str
        The text it was opened by.
    lake : Lake or None
    table : datasets.Table or None
    """

    spec: str
    lake: "Lake | None" = None
    table: "Table | None" = None

    def frame(self, task: "Task", params: "TrainParams", progress: "Progress | None" = None) -> "TrainingFrame":
        """The task's training frame.

        Raises
        ------
        BadInputError
            The task cannot read this kind of data.
        """
        if self.lake is not None:
            return task.frame_from_log(self.lake, params, progress)
        if (self.table.text is not None) != (task.kind == "text"):
            wants = "labelled texts, such as dataset:clinc150" if task.kind == "text" else "a table or an event log"
            raise BadInputError(f"{task.name} learns from {wants}; {self.spec} is something else", field="data")
        if self.table.text is not None:
            from growthbench.learning.tasks.chat_intent import frame_from_texts

            return frame_from_texts(self.table.frame, source=self.spec)
        from growthbench.learning.frame import frame_from_table

        table = self.table
        return frame_from_table(
            table.frame,
            label=table.label,
            positive=table.positive,
            drop=tuple(c for c in table.drop if c != table.key),
            time=table.time,
            key=table.key,
            known_leaks=table.known_leaks,
            source=self.spec,
        )


def parse_spec(spec: str) -> tuple[str, str]:
    """Kind and name of a source text.

    Raises
    ------
    BadInputError
        It does not read as one; the message shows the four forms.
    """
    kind, _, name = spec.partition(":")
    if kind not in KINDS or bool(name) == (kind == "store"):
        raise BadInputError(f"data {spec!r} is none of world:NAME, dataset:NAME, import:PATH or store", field="data")
    return kind, name
