"""Questions to the documents of this home; the sample company's, until somebody brings their own."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from growthbench.base.errors import NotReadyError
from growthbench.base.settings import Settings

if TYPE_CHECKING:
    from growthbench.knowledge.citations import Answer
    from growthbench.knowledge.token_vectors import TokenShelf
    from growthbench.store.engine import Store
    from growthbench.text.encoder import Encoder

_SAMPLE = Path("data") / "knowledge"


class Asker:
    """A knowledge base that is ready to be asked.

    Parameters
    ----------
    store : Store
    settings : Settings
    say : callable, optional
        Told in words what takes time; silent by default.
    """

    def __init__(self, store: "Store", settings: Settings, say: Callable[[str], None] | None = None):
        from growthbench.knowledge.answers import shelf_of
        from growthbench.knowledge.opening import open_knowledge
        from growthbench.knowledge.served import ServedParams

        self.settings, self.say = settings, say or (lambda _: None)
        self.base = open_knowledge(store, encoder_of(settings.home), served=ServedParams(store, settings.home))
        self.shelf: TokenShelf | None = shelf_of(self.base, settings.tenant)

    def ready(self, progress: bool = False) -> None:
        """Bring the sample company in if there are no documents, and embed and encode what is not yet.

        Raises
        ------
        NotReadyError
            There are no documents, and the sample is not here.
        """
        tenant = self.settings.tenant
        if not self.base.version(tenant):
            folder = sample_folder(self.settings)
            self.say(f"no documents yet: building the index of the sample company from {folder}")
            done = self.base.ingest(folder, tenant, progress=progress)
            self.say(f"{done.new} documents ingested")
        else:
            done = self.base.complete(tenant, progress=progress)
        if done.fault:
            self.say(f"{done.without_vectors} documents are found by words alone until they have vectors: {done.fault}")
        if self.shelf is not None:
            self.shelf.prepare(self.base.view(tenant).passages)

    def ask(self, question: str, role: str | None = None, keep: bool = False) -> "Answer":
        """Answer a question; with ``keep`` it is written down, so that `affected` can list it later."""
        from growthbench.knowledge.affected import keep_answer
        from growthbench.knowledge.answers import answer

        self.ready()
        tenant = self.settings.tenant
        given = answer(self.base, question, tenant=tenant, role=role, shelf=self.shelf)
        return keep_answer(self.base.store, tenant, question, given, role) if keep else given


@cache
def encoder_of(home: Path) -> "Encoder | None":
    """The encoder of this machine for a home, opened once."""
    from growthbench.text.minilm import open_encoder

    return open_encoder(home)


def sample_folder(settings: Settings) -> Path:
    """Where the documents of the sample company are: beside the home, or here.

    Raises
    ------
    NotReadyError
        In neither place.
    """
    places = [settings.home.parent / _SAMPLE, Path.cwd() / _SAMPLE, Path(__file__).parents[3] / _SAMPLE]
    for folder in places:
        if folder.is_dir():
            return folder
    raise NotReadyError(
        f"there are no documents to ask: ingest a folder with KnowledgeBase.ingest, or ask in a checkout with {_SAMPLE}"
    )
