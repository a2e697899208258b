"""The verb chat: one message as JSON, a conversation line by line, and going on with it."""

import io
import json

import pytest

from growthbench.cli.app import main


@pytest.fixture(autouse=True)
def _words_alone(monkeypatch):
    """As where the encoder's wheel is not installed: its graph takes longer to build than all of this."""
    monkeypatch.setattr("growthbench.workbench.ask.encoder_of", lambda home: None)


def said(capsys, *argv):
    code = main(["chat", *argv])
    out = capsys.readouterr().out
    return code, out


def test_one_message_and_its_follow_up_as_json(capsys):
    code, out = said(capsys, "How many API calls a day may Pro make?", "--json", "--user", "ann")
    first = json.loads(out.splitlines()[-1])
    assert code == 0
    assert first["answered"]
    assert first["citations"]
    assert first["written_by"] == "offline"
    code, out = said(capsys, "and Free?", "--json", "--user", "ann", "--conversation", first["conversation_id"])
    assert json.loads(out.splitlines()[-1])["question"] == "How many API calls a day may Free make?"
    code, _ = said(capsys, "and Free?", "--json", "--user", "bob", "--conversation", first["conversation_id"])
    assert code == 2


def test_a_conversation_until_the_end_of_input(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("Hi!\n\nCan I talk to a human?\n"))
    code, out = said(capsys)
    assert code == 0
    assert out.startswith("Hello!")
    assert "handed to a person: explicit_wish" in out
