"""The verb ask: a question to the documents."""

import click

from growthbench.cli.options import home_option, settings
from growthbench.cli.output import emit, json_option


@click.command("ask")
@click.argument("question")
@click.option("--role", help="who asks: documents for other roles are not seen")
@click.option("--keep", is_flag=True, help="write the answer down, so that changed documents can be traced to it")
@home_option
@json_option
def ask_command(question, role, keep, home, as_json):
    """Answer QUESTION from the documents with verified citations, or say that it is not in them."""
    from growthbench.store.engine import open_store
    from growthbench.workbench.ask import Asker

    here = settings(home)
    with open_store(here.database_url) as store:
        given = Asker(store, here, lambda text: click.echo(text, err=True)).ask(question, role, keep)
    emit(given.to_dict(), as_json, _told(given))


def _told(given) -> str:
    lines = [given.text]
    for number, citation in enumerate(given.citations, 1):
        quote = " ".join(citation.quote.split())
        lines.append(f'  [{number}] {citation.title}, {citation.date or "no date"} ({citation.document_id}): "{quote}"')
    lines.append(f"  confidence {given.confidence:.2f}, written by {given.written_by}")
    return "\n".join([*lines, *([f"  note: {given.why}"] if given.why else [])])
