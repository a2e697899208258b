"""What jobs do leaves the same behind when it is done twice, as after a kill between the work and the note of it."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from growthbench.base.settings import Settings
from growthbench.content.library import list_content
from growthbench.knowledge.base import KnowledgeBase
from growthbench.language.settings import LanguageSettings
from growthbench.runs.tracing import Traces
from growthbench.serving.desk.flow import Job
from growthbench.serving.desk.works import Works

SAMPLE = Path(__file__).parents[3] / "data" / "knowledge" / "product_docs"


def at_once(name, work, *args):
    return work(*args)


@pytest.fixture
def works(store, tmp_path):
    """Works over the sample's product documents; searched by words alone, which is quick."""
    base = KnowledgeBase(store)
    base.ingest(SAMPLE, "a", progress=False)
    traces = Traces(Settings(tmp_path, "", "", tmp_path), "off")
    state = SimpleNamespace(
        store=store, base=base, language=LanguageSettings(), traces=traces, shelf=lambda tenant: None
    )
    return Works(state)


def test_a_piece_is_in_the_library_once_however_often_its_job_is_done(works):
    asked = {"brief": {"kind": "email", "topic": "the forecast"}, "seed": 0, "role": None, "by": "key_1"}
    job = Job("job_1", "a", asked | {"request_id": ""})
    first = works.content(job, at_once)
    again = works.content(job, at_once)
    library = list_content(works.state.store, "a")
    assert len(first["content"]) == len(library) == 3
    assert [a["content_id"] for a in again["content"]] == sorted(a["content_id"] for a in first["content"])
    other = works.content(Job("job_2", "a", asked | {"request_id": ""}), at_once)
    assert not {a["content_id"] for a in other["content"]} & {a["content_id"] for a in first["content"]}
    assert len(list_content(works.state.store, "a")) == 6
