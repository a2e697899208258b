"""A prediction problem, told once: training, evaluation, runs and serving are generic over it."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from growthbench.base.errors import BadInputError
from growthbench.learning.params import TrainParams
from growthbench.learning.progress import Progress

if TYPE_CHECKING:
    import pyarrow as pa

    from growthbench.learning.blend import Blend
    from growthbench.learning.frame import TrainingFrame

Kind = Literal["binary", "multiclass", "text"]


@dataclass(frozen=True)
class Gates:
    """What a model must hold to be promoted; `runs.gate` checks it.

    Attributes
    ----------
    metric : str
        The metric that must not be worse than the champion's by its paired interval.
    higher_is_better : bool
    max_ece : float
        Largest expected calibration error, the floor of a perfectly calibrated model taken off.
    max_slice_drop : float
        How far a slice of at least ``min_slice_rows`` rows may fall below the champion's same slice.
    """

    metric: str = "auc"
    higher_is_better: bool = True
    max_ece: float = 0.03
    max_slice_drop: float = 0.05
    min_slice_rows: int = 200


@dataclass(frozen=True)
class Slice:
    """A part of the data looked at on its own: one category's values, or a number cut into bands at ``edges``."""

    column: str
    edges: tuple[float, ...] = ()
    top: int = 6


class Task(ABC):
    """Base of all tasks; a new one is a small module with a subclass and a section in ``params.yaml``.

    Attributes
    ----------
    name : str
        Also the name of its section of parameters and of its deployment.
    kind : {"binary", "multiclass", "text"}
    about : str
        What is predicted, for whom, as of when.
    features : tuple of str
        Shipped features it reads; empty for a task on tables only.
    split : {"time", "folds", "given"}
        How rows of the log are split; a table without time always gets folds (see `learning.splits`).
    baselines : tuple of str
        Beyond ``prior``, ``logistic`` and ``best_single``, which every binary task gets.
    slices : tuple of Slice
    gates : Gates
    confidence : float
        Below it an answer goes to a person; 0 for a task whose answers never do.
    defaults : mapping
        Parameters whose default is another one for this task.
    """

    name: ClassVar[str]
    kind: ClassVar[Kind] = "binary"
    about: ClassVar[str] = ""
    features: ClassVar[tuple[str, ...]] = ()
    split: ClassVar[Literal["time", "folds", "given"]] = "time"
    baselines: ClassVar[tuple[str, ...]] = ()
    slices: ClassVar[tuple[Slice, ...]] = ()
    gates: ClassVar[Gates] = Gates()
    confidence: ClassVar[float] = 0.0
    defaults: ClassVar[Mapping[str, Any]] = {}

    def features_for_log(self, lake: Any, params: TrainParams) -> tuple[str, ...]:
        """Features read from this log; all of `features` unless the task's definition depends on the log."""
        return self.features

    def classes(self, params: TrainParams) -> tuple[str, ...]:
        """Classes in the order of the label's numbers."""
        return ("no", "yes")

    def blend(self) -> "Blend | None":
        """Rules of thumb served beside the model, if the task has any."""
        return None

    @abstractmethod
    def spine(self, lake: Any, params: TrainParams) -> "pa.Table":
        """Who is looked at, as of when, and what came of it.

        Returns
        -------
        pyarrow.Table
            ``tenant_id person moment horizon label``; label is the class's number. Sorted by (person, moment).
        """

    def frame_from_log(self, lake: Any, params: TrainParams, progress: Progress | None = None) -> "TrainingFrame":
        """Spine, features and labels of a lake, as a training frame."""
        from growthbench.learning.spine import frame_from_spine

        return frame_from_spine(self, lake, params, progress)


class TableTask(Task):
    """A task on any table: no spine, no shipped features; folds, or a time split if the table has a time."""

    def __init__(self, name: str = "table", kind: Kind = "binary", about: str = "", slices: tuple[Slice, ...] = ()):
        self.name, self.kind, self.about, self.slices = name, kind, about, slices

    def spine(self, lake, params):
        """Refused: a table has its rows already."""
        raise BadInputError(f"task {self.name!r} is made for tables: it cannot read rows from an event log", "task")


def describe(task: Task) -> Mapping[str, Any]:
    """A task in plain words, for cards and listings."""
    return {"name": task.name, "kind": task.kind, "about": task.about, "split": task.split, "features": task.features}
