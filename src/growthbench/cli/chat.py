"""The verb chat: one message, or a conversation until the end of input."""

import sys

import click

from growthbench.cli.options import home_option, settings
from growthbench.cli.output import emit, json_option


@click.command("chat")
@click.argument("message", required=False)
@click.option("--conversation", metavar="ID", help="go on with an earlier conversation")
@click.option("--user", metavar="ID", help="who writes: the message becomes an event of theirs")
@click.option("--role", help="whose documents may be read")
@home_option
@json_option
def chat_command(message, conversation, user, role, home, as_json):
    """Say MESSAGE to the assistant and print its reply; without one, talk line by line until the end of input."""
    from growthbench.store.engine import open_store

    here = settings(home)
    with open_store(here.database_url) as store:
        chat = _opened(store, here, user, role, conversation)
        if message is not None:
            _tell(chat.say(message), as_json)
            return
        for line in iter(_read_line, None):
            if line.strip():
                _tell(chat.say(line.strip()), as_json)


def _opened(store, here, user, role, conversation):
    from growthbench.learning.tasks import TASKS
    from growthbench.people.directory import Directory
    from growthbench.predictions.scorer import Scorer
    from growthbench.store.keyring import Keyring
    from growthbench.workbench.ask import Asker
    from growthbench.workbench.chat import Chat, assistant_of

    directory = Directory(store, Keyring.open(here.home), here.tenant)
    scorer = Scorer(store, here.home, here.tenant, TASKS, directory=directory)
    asker = Asker(store, here, lambda text: click.echo(text, err=True))
    return Chat(assistant_of(asker, directory, scorer), here.tenant, user, role, conversation)


def _read_line() -> str | None:
    if sys.stdin.isatty():
        click.echo("> ", nl=False, err=True)
    return sys.stdin.readline() or None


def _tell(reply, as_json: bool) -> None:
    lines = [reply.text]
    for citation in reply.citations:
        quote = " ".join(citation.quote.split())
        lines.append(f'  [{citation.number}] {citation.title}, {citation.date or "no date"}: "{quote}"')
    if reply.escalation:
        lines.append(f"  handed to a person: {reply.escalation.reason} ({reply.escalation.detail})")
    emit(reply.to_dict(), as_json, "\n".join(lines))
