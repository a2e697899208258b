"""What a notebook does with documents and texts: ask, measure, write, optimise, chat; a part of the workbench."""

import sys
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from growthbench.base.settings import Settings
from growthbench.workbench.progress import Bars

if TYPE_CHECKING:
    import pandas as pd

    from growthbench.content.chat.assistant import Assistant
    from growthbench.content.optimizing import Optimised
    from growthbench.content.pieces import Piece
    from growthbench.knowledge.base import KnowledgeBase
    from growthbench.knowledge.citations import Answer
    from growthbench.people.directory import Directory
    from growthbench.predictions.scorer import Scorer
    from growthbench.store.engine import Store
    from growthbench.workbench.ask import Asker
    from growthbench.workbench.chat import Chat


class Words:
    """Documents, content and chat of one home; `Workbench` is one.

    Attributes
    ----------
    settings : Settings
    store : Store
    directory : Directory
    scorer : Scorer
    """

    settings: Settings
    store: "Store"
    directory: "Directory"
    scorer: "Scorer"

    def ask(self, question: str, role: str | None = None, keep: bool = False) -> "Answer":
        """Answer a question from the documents with verified citations; those of the sample company, if none are here.

        Parameters
        ----------
        question : str
        role : str, optional
            Who asks: documents for other roles are not seen.
        keep : bool
            Write the answer down, so that changed documents can be traced to it.
        """
        return self._asker.ask(question, role, keep)

    @property
    def knowledge(self) -> "KnowledgeBase":
        """The documents, to ingest and search; those of the sample company, if there were none."""
        self._asker.ready(progress=True)
        return self._asker.base

    def evaluate_answers(
        self,
        documents: Path | str | None = None,
        data: str = "sample-company",
        most: int | None = None,
        **params: Any,
    ) -> str:
        """Ask labelled questions of documents, and write the run down; compare two runs by `compare`.

        Parameters
        ----------
        documents : path, optional
            A folder of documents with ``questions.jsonl``; the sample company's by default.
        data : str
            Name of the questions in the run's name.
        most : int, optional
            Ask at most so many of the questions, evenly spread: for a first look.
        **params
            Of `knowledge.evaluation.params.RagParams`, such as ``dense=0.5`` or ``threshold=0.3``.

        Returns
        -------
        str
            Id of the run.
        """
        from tempfile import TemporaryDirectory

        from growthbench.knowledge.evaluation.params import RagParams
        from growthbench.runs.tracking import log_run
        from growthbench.workbench.answering import evaluate_answers
        from growthbench.workbench.ask import sample_folder

        folder = sample_folder(self.settings) if documents is None else Path(documents)
        told = RagParams.of({"seed": 0} | params)
        with TemporaryDirectory(prefix="growthbench-answers-") as scratch, Bars() as bars:
            out = Path(scratch) / "out"
            record = evaluate_answers(self.settings, folder, told, out, data=data, most=most, progress=bars)
            return log_run(record, self.settings, progress=bars)

    def write(
        self, kind: str, topic: str, *, role: str | None = None, seed: int = 0, keep: bool = True, **brief: Any
    ) -> "Piece":
        """Write content in three variants from what the documents say, checked sentence by sentence.

        Parameters
        ----------
        kind : str
            blog, landing_page, ad_copy, email, social or retention.
        topic : str
            What facts are looked for by.
        role : str, optional
            Who asks: documents for other roles are not seen.
        seed : int
        keep : bool
            Put the variants into the library, see `content`.
        **brief
            ``audience goal keyword platform tone call_to_action link company facts collections restricted``, see
            `growthbench.content.Brief`.
        """
        from growthbench.workbench.writing import write_piece

        return write_piece(
            self._asker, {"kind": kind, "topic": topic, **brief}, by="notebook", role=role, seed=seed, keep=keep
        )

    def content(self, kind: str | None = None, status: str | None = None, limit: int = 50) -> "pd.DataFrame":
        """The library: newest versions of what was written, one row each."""
        import pandas as pd

        from growthbench.content.library import list_content

        found = list_content(self.store, self.settings.tenant, kind=kind, status=status, limit=limit)
        columns = [
            "content_id",
            "version",
            "content_type",
            "platform",
            "title",
            "status",
            "brand_check",
            "created_by",
            "created_at",
        ]
        return pd.DataFrame([{name: getattr(a, name) for name in columns} for a in found], columns=columns)

    def optimize(self, program: str, budget: str, questions: "Path | None" = None, **options: Any) -> "Optimised":
        """Compile a better prompt for ``answers`` or a kind of content; accepted only if held-out examples show it.

        Parameters
        ----------
        program : str
        budget : str
            USD that it may cost at most, such as "2.00".
        questions : Path, optional
            Labelled questions for ``answers``; the sample company's by default.
        **options
            ``force seed most``.
        """
        from growthbench.workbench.writing import optimize_program

        return optimize_program(self._asker, program, budget, questions=questions, **options)

    def chat(self, user_id: str | None = None, role: str | None = None, conversation_id: str | None = None) -> "Chat":
        """A conversation with the assistant: ``chat.say("...")`` gives a reply with citations.

        Parameters
        ----------
        user_id : str, optional
            Who writes: messages become events of theirs, and replies carry their lead score.
        role : str, optional
            Whose documents may be read.
        conversation_id : str, optional
            Goes on with an earlier conversation.
        """
        from growthbench.workbench.chat import Chat

        return Chat(self._assistant, self.settings.tenant, user_id, role, conversation_id)

    @cached_property
    def _assistant(self) -> "Assistant":
        from growthbench.workbench.chat import assistant_of

        return assistant_of(self._asker, self.directory, self.scorer)

    @cached_property
    def _asker(self) -> "Asker":
        from growthbench.workbench.ask import Asker

        return Asker(self.store, self.settings, lambda text: print(text, file=sys.stderr))
