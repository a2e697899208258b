"""Every trace of the Desk says which prompts spoke: answers, chat, streams, OpenAI's protocol and content alike."""

import json
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from growthbench.base.ids import digest
from growthbench.base.settings import Settings
from growthbench.content.chat import Assistant
from growthbench.content.chat.wording import ReplyWriter
from growthbench.content.programs import Drafter
from growthbench.knowledge.answer_program import QuestionAnswerer
from growthbench.knowledge.base import KnowledgeBase
from growthbench.language.prompts import keep_prompt, serve_prompt, state_of
from growthbench.language.settings import LanguageSettings
from growthbench.runs.tracing import Traces
from growthbench.serving.desk.chat import ChatRoutes
from growthbench.serving.desk.flow import Job
from growthbench.serving.desk.knowledge import KnowledgeRoutes
from growthbench.serving.desk.state import DeskState
from growthbench.serving.desk.works import Works
from growthbench.store.callers import Caller
from growthbench.store.engine import open_store
from growthbench.store.keyring import Keyring

SAMPLE = Path(__file__).parents[3] / "data" / "knowledge" / "product_docs"
REFUND = "Within how many days can a first payment be refunded?"


class Kept(Traces):
    """Traces that stay here."""

    def __init__(self, home):
        super().__init__(Settings(home, "", "", home), "off")
        self.made = []

    @contextmanager
    def request(self, *args):
        with super().request(*args) as trace:
            self.made.append((args[0], trace))
            yield trace

    def versions(self):
        """What each trace was of, and the versions that it was tagged with."""
        return [(name, trace.tags["prompt_version"]) for name, trace in self.made]


@pytest.fixture
def state(tmp_path):
    """What routes need of a Desk, over the sample's product documents; searched by words alone, which is quick."""
    with open_store(f"sqlite:///{tmp_path / 'store.db'}") as store:
        base, keyring = KnowledgeBase(store), Keyring.open(tmp_path)
        base.ingest(SAMPLE, "a", progress=False)
        language = LanguageSettings()
        assistant = Assistant(store, base, language, home=tmp_path, sentiment=lambda texts: [0.0] * len(texts))
        made = SimpleNamespace(
            store=store, keyring=keyring, base=base, language=language, traces=Kept(tmp_path), assistant=assistant,
            shelf=lambda tenant: None,
        )  # fmt: skip
        made.traced = lambda name, call: DeskState.traced(made, name, call)
        yield made


def call(**body):
    caller = Caller("a", "key", "key_1", "service")
    return SimpleNamespace(caller=caller, tenant="a", request_id="req_1", body=json.dumps(body).encode(), query={})


def builtin(program, module):
    return f"{program}@builtin-{digest(state_of(module))[:8]}"


ANSWERS = builtin("answers", QuestionAnswerer(lambda _: []))
REPLY = builtin("chat_reply", ReplyWriter())


def test_answers_and_every_way_to_chat_tell_the_prompts_that_spoke(state):
    chat = ChatRoutes(state)
    assert KnowledgeRoutes(state).answer(call(question=REFUND)).status == 200
    first = json.loads(chat.chat(call(text=REFUND)).body)
    chat.chat_stream(call(text=REFUND))
    openai = {"model": "growthbench-assistant", "messages": [{"role": "user", "content": REFUND}]}
    chat.completions(call(**openai))
    chat.completions(call(**openai, stream=True))
    chat.chat(call(text="and for later payments?", conversation_id=first["conversation_id"]))
    told = state.traces.versions()
    both = f"{ANSWERS}, {REPLY}"
    assert told[:5] == [("knowledge.answer", ANSWERS), ("chat", both), ("chat.stream", both),
                        ("chat.completions", both), ("chat.stream", both)]  # fmt: skip
    assert told[5][1].startswith("chat_follow_up@builtin-")
    assert ANSWERS in told[5][1]


def test_where_nothing_spoke_the_trace_says_so_and_one_that_fails_says_what_had_spoken(state, monkeypatch):
    ChatRoutes(state).chat(call(text="Hi!"))
    KnowledgeRoutes(state).answer(call(question="What is the melting point of iron?"))
    monkeypatch.setattr(state.assistant.conversations, "keep", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        ChatRoutes(state).chat(call(text=REFUND))
    assert [version for _, version in state.traces.versions()] == ["none", "none", f"{ANSWERS}, {REPLY}"]


def test_the_version_that_is_served_is_told_and_the_builtin_one_when_it_is_taken_back(state):
    compiled = QuestionAnswerer(lambda _: [])
    compiled.answer.signature = compiled.answer.signature.with_instructions("Quote, and nothing else.")
    kept = keep_prompt(state.store, "a", "answers", state_of(compiled), {})
    routes = KnowledgeRoutes(state)
    for version in (kept.version, 0):
        serve_prompt(state.store, "a", "answers", version)
        routes.answer(call(question=REFUND))
    ChatRoutes(state).chat(call(text=REFUND))
    own = f"answers@1-{kept.digest[:8]}"
    assert [v for _, v in state.traces.versions()] == [own, ANSWERS, f"{ANSWERS}, {REPLY}"]


def test_content_tells_its_version_in_the_same_words(state):
    asked = {"brief": {"kind": "email", "topic": "the forecast"}, "seed": 0, "role": None, "by": "key_1"}
    Works(state).content(Job("job_1", "a", asked | {"request_id": ""}), lambda name, work, *args: work(*args))
    kept = keep_prompt(state.store, "a", "email", state_of(Drafter("email")), {})
    serve_prompt(state.store, "a", "email", kept.version)
    Works(state).content(Job("job_2", "a", asked | {"request_id": ""}), lambda name, work, *args: work(*args))
    assert [version for _, version in state.traces.versions()] == [
        builtin("email", Drafter("email")), f"email@1-{kept.digest[:8]}"]  # fmt: skip
