"""The words of the demo: three questions answered with citations, one refused, one e-mail in three variants."""

from collections.abc import Callable

from growthbench.base.errors import GrowthbenchError
from growthbench.base.settings import Settings

QUESTIONS = (
    "What does Pro cost?",
    "Within how many days can a first payment be refunded?",
    "How many finished cards does a forecast need?",
)
UNANSWERABLE = "Who won the football world cup in 1954?"
BRIEF = {
    "kind": "email",
    "topic": "the forecast",
    "audience": "planning teams",
    "goal": "plan with dates that hold",
    "call_to_action": "Try the forecast",
    "link": "https://larkboard.example/forecast",
    "company": "Larkboard",
}


def show_words(settings: Settings, say: Callable[[str], None], show: Callable[[str], None] = print) -> None:
    """Ask the sample company's documents, and have an e-mail written from them.

    Raises
    ------
    GrowthbenchError
        A citation is not in its document, or what should be answered or refused was not.
    """
    from growthbench.store.engine import open_store
    from growthbench.workbench.ask import Asker
    from growthbench.workbench.writing import write_piece

    with open_store(settings.database_url) as store:
        asker = Asker(store, settings, say)
        asker.ready()
        for question in QUESTIONS:
            _answered(asker, question, show)
        _refused(asker, show)
        piece = write_piece(asker, dict(BRIEF), by="demo")
        say(f"an e-mail in {len(piece.variants)} variants, {piece.status}, written by {piece.written_by}")
        for one in piece.variants:
            carried = len({c.citation for c in one.carried})
            show(f"  {one.angle:9} {one.parts['subject']!r}: {len(one.text.split())} words, {carried} citations")
        show("\n    " + str(piece.variants[0].parts["body"]).replace("\n", "\n    ") + "\n")
        show(f"  growthbench content show {piece.metadata['content_ids'][0]}")


def _answered(asker, question: str, show: Callable[[str], None]) -> None:
    given = asker.ask(question)
    if not given.answered:
        raise GrowthbenchError(f"{question!r} was not answered: {given.why}")
    for cited in given.citations:
        text = asker.base.document(asker.settings.tenant, cited.document_id).text
        if text[cited.start : cited.end] != cited.quote:
            raise GrowthbenchError(f"{cited.document_id} does not hold the quote {cited.quote!r}")
    first = given.citations[0]
    show(f"  {question}\n    {given.claims[0].text}  [{first.document_id}, {first.date or 'no date'}]")


def _refused(asker, show: Callable[[str], None]) -> None:
    given = asker.ask(UNANSWERABLE)
    if given.answered:
        raise GrowthbenchError(f"{UNANSWERABLE!r} was answered: {given.text}")
    show(f"  {UNANSWERABLE}\n    {given.text}")
