"""All tasks by name. A new task is one module here, one line below, and one section in ``params.yaml``."""

from importlib import import_module

from growthbench.base.errors import UnknownNameError
from growthbench.learning.task import Task

TASKS = {
    "lead_scoring": "growthbench.learning.tasks.lead_scoring:LeadScoring",
    "churn": "growthbench.learning.tasks.churn:Churn",
    "intent": "growthbench.learning.tasks.intent:Intent",
    "chat_intent": "growthbench.learning.tasks.chat_intent:ChatIntent",
}


def get_task(name: str) -> Task:
    """The task of a name.

    Raises
    ------
    UnknownNameError
        Nobody registered it.

    >>> get_task("churn").kind
    'binary'
    """
    if name not in TASKS:
        raise UnknownNameError("task", name, TASKS, field="task")
    module, _, kind = TASKS[name].partition(":")
    return getattr(import_module(module), kind)()


def table_task(name: str = "table", kind: str = "binary") -> Task:
    """A task for any table: no reading of logs, everything else as for the others."""
    from growthbench.learning.task import TableTask

    return TableTask(name, kind)
