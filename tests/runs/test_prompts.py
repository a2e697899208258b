"""Prompts are mirrored in MLflow once, with what was measured, and the one that speaks has an alias."""

import json

from growthbench.language import prompts
from growthbench.runs.prompts import SERVED, log_prompt, mirror_prompts
from growthbench.runs.tracker import open_tracker
from growthbench.store.engine import open_store

STATE = json.dumps({"draft": {"demos": [{"order": "{{not a variable}}", "subject": "Hello"}]}})


def test_versions_are_mirrored_once_and_the_served_one_is_marked(own):
    settings, _ = own
    with open_store(settings.database_url) as store:
        evidence = {"comparison": {"verdict": "better"}, "run": "opt-1"}
        first = prompts.keep_prompt(store, "local", "email", STATE, evidence)
        second = prompts.keep_prompt(store, "local", "email", STATE.replace("Hello", "Hi"), {"run": "opt-2"})
        prompts.serve_prompt(store, "local", "email", 2)
        made = [(m.name, m.version, m.new) for m in mirror_prompts(settings, store, "email")]
        assert made == [("local.prompt.email", 1, True), ("local.prompt.email", 2, True)]
        assert [m.new for m in mirror_prompts(settings, store, "email")] == [False, False]
        assert log_prompt(settings, first).version == 1
        prompts.serve_prompt(store, "local", "email", 1)
        mirror_prompts(settings, store, "email")
    tracker = open_tracker(settings)
    with tracker.pinned():
        shown = tracker.client.load_prompt(f"prompts:/local.prompt.email@{SERVED}")
        other = tracker.client.load_prompt("local.prompt.email", version=2)
    assert (shown.version, shown.template, shown.tags["digest"]) == (1, STATE, first.digest)
    assert json.loads(shown.tags["comparison"]) == {"verdict": "better"}
    assert (other.tags["digest"], other.commit_message) == (second.digest, "opt-2")
