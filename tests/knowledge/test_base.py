import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from growthbench.base.errors import BadInputError, NotFoundError
from growthbench.knowledge import kept
from growthbench.knowledge.base import WITHOUT_ENCODER, WITHOUT_VECTORS, KnowledgeBase
from growthbench.knowledge.documents import Document
from growthbench.store.engine import open_store
from tests.knowledge.letters import Letters


def page(name, text, **fields):
    return Document(name, fields.pop("collection", "product_docs"), name.title(), text, **fields)


PAGES = [
    page("prices", "The Pro plan costs EUR 199 a month.", date="2026-09-01", metadata={"subject": "pricing"}),
    page("refunds", "Refunds are paid within fourteen days of the invoice.", date="2025-02-01"),
    page("boards", "A board has columns, and cards move from column to column."),
    page("discounts", "Account managers may grant a discount of ten percent.", roles=("lead",)),
    page("webinar", "The spring webinar brought 287 signups.", collection="campaign_history", date="2026-05-02"),
]


@pytest.fixture
def base(store):
    made = KnowledgeBase(store, Letters())
    made.ingest(PAGES, "t", progress=False)
    return made


def found(search):
    return [hit.passage.document_id for hit in search.hits]


def test_words_and_vectors_find_the_page(base):
    search = base.search("What does the Pro plan cost?", tenant="t")
    assert search.method == "hybrid"
    assert search.note == ""
    assert found(search)[0] == "prices"
    assert base.rank_documents("What does the Pro plan cost?", tenant="t")[0][0] == "prices"
    hit = search.hits[0]
    assert hit.passage.text == base.parent("t", hit.passage).text[hit.passage.start : hit.passage.end]


def test_without_an_encoder_words_alone_say_so(store):
    base = KnowledgeBase(store)
    base.ingest(PAGES, "t", progress=False)
    search = base.search("refunds of an invoice", tenant="t")
    assert (search.method, search.note) == ("bm25", WITHOUT_ENCODER)
    assert found(search)[0] == "refunds"
    assert np.isnan(search.hits[0].dense)
    with_vectors = KnowledgeBase(store, Letters())
    assert with_vectors.search("refunds", tenant="t").note == WITHOUT_VECTORS
    told = with_vectors.ingest(PAGES, "t", progress=False)
    assert (told.unchanged, told.embedded) == (5, 5)
    assert with_vectors.search("refunds", tenant="t").method == "hybrid"


def test_the_second_ingest_embeds_nothing_and_a_change_only_itself(base):
    asked, version = base.encoder.asked, base.version("t")
    told = base.ingest(PAGES, "t", progress=False)
    assert (told.new, told.changed, told.unchanged, told.embedded) == (0, 0, 5, 0)
    assert (base.encoder.asked, base.version("t")) == (asked, version)
    told = base.ingest([page("refunds", "Refunds are paid within thirty days.")], "t", progress=False)
    assert (told.changed, told.embedded, told.removed) == (1, 1, 0)
    assert base.version("t") == version + 1
    assert "thirty" in base.search("refunds", tenant="t").hits[0].passage.text


def test_what_a_folder_no_longer_holds_is_removed_and_what_cannot_be_read_stays(store, tmp_path):
    folder = tmp_path / "product_docs"
    folder.mkdir()
    for name in "abc":
        (folder / f"{name}.md").write_text(f"# Page {name}\n\nAbout {name}{name}{name}.")
    base = KnowledgeBase(store, Letters())
    assert base.ingest(folder, "t", progress=False).new == 3
    base.ingest([PAGES[0]], "t", progress=False)
    (folder / "a.md").unlink()
    (folder / "b.md").write_bytes(b"\xff")
    told = base.ingest(folder, "t", progress=False)
    assert (told.removed, told.unchanged) == (1, 1)
    assert [r.document_id for r in told.refused] == ["b.md"]
    assert {d.document_id for d in base.documents("t")} == {"b.md", "c.md", "prices"}


def test_a_removed_document_leaves_no_vector_behind_unless_another_says_the_same(store):
    base = KnowledgeBase(store, Letters())
    same = [Document(name, "product_docs", "Same", "One text in two places.") for name in ("x", "y")]
    told = base.ingest(same, "t", progress=False)
    assert told.embedded == 1
    counts = []
    for name in ("x", "y"):
        base.remove("t", name)
        with store.reading() as connection:
            counts.append(kept.count_vectors(connection, "t"))
    assert counts == [1, 0]
    with pytest.raises(NotFoundError):
        base.document("t", "x")
    with pytest.raises(NotFoundError):
        base.remove("t", "x")


def test_a_tenant_sees_nothing_of_another_and_is_not_moved_by_it(base):
    question = "Pro plan"
    before = base.search(question, tenant="t")
    base.ingest([page(f"p{i}", f"The Pro plan number {i} costs nothing.") for i in range(20)], "u", progress=False)
    after = base.search(question, tenant="t")
    assert after.facts == before.facts
    assert [h.score for h in after.hits] == [h.score for h in before.hits]
    assert base.search(question, tenant="nobody").hits == []


def test_a_role_sees_its_documents_and_others_are_scored_as_if_they_were_not_there(store, base):
    question = "Who may grant a discount of ten percent?"
    assert found(base.search(question, tenant="t", role="lead"))[0] == "discounts"
    hidden = [base.search(question, tenant="t", role=role) for role in (None, "ads", "nobody")]
    assert all("discounts" not in found(search) for search in hidden)
    base.ingest([p for p in PAGES if not p.roles], "open", progress=False)
    alone = base.search(question, tenant="open")
    for search in hidden:
        assert search.facts == alone.facts
        assert [(h.passage.document_id, h.score) for h in search.hits] == [
            (h.passage.document_id, h.score) for h in alone.hits
        ]


def test_filters_choose_among_what_is_seen_without_moving_scores(base):
    everything = {h.passage.document_id: h.score for h in base.search("plan of the spring", tenant="t").hits}
    some = base.search("plan of the spring", tenant="t", filters={"since": "2026-01-01"})
    assert {h.passage.document_id: h.score for h in some.hits} == {n: everything[n] for n in ("prices", "webinar")}
    assert (some.facts.passages, some.facts.candidates) == (4, 2)
    only = base.search("plan", tenant="t", collections=["campaign_history"])
    assert found(only) == ["webinar"]
    assert found(base.search("plan", tenant="t", filters={"subject": "pricing"})) == ["prices"]
    nothing = base.search("plan", tenant="t", filters={"subject": "weather"})
    assert (nothing.hits, nothing.facts.candidates) == ([], 0)


def test_a_question_may_name_its_sources(base):
    search = base.search("What do the pricing pages since March 2026 say about the month?", tenant="t", self_query=True)
    assert search.filters.since == "2026-03-01"
    assert found(search) == ["prices"]


def test_variety_and_reranking_keep_to_what_was_found(base):
    plain = base.search("cards and columns", tenant="t", k=4)
    assert sorted(found(base.search("cards and columns", tenant="t", k=4, variety=True))) == sorted(found(plain))
    reranked = base.search("cards and columns", tenant="t", k=4, rerank=3)
    assert sorted(found(reranked)) == sorted(found(plain))
    assert found(reranked)[0] == "boards"


def test_facts_are_of_the_best_candidates(base):
    search = base.search("The Pro plan costs EUR 199 a month", tenant="t")
    facts = search.facts
    assert facts.dense_top == pytest.approx(max(h.dense for h in search.hits))
    assert 0 < facts.bm25_margin <= facts.bm25_top <= 1
    assert facts.agree
    assert base.search("zebra", tenant="t").facts.bm25_top == 0


@pytest.mark.parametrize("wrong", [{"question": " "}, {"question": "x" * 5000}, {"k": 0}, {"k": 10_000}])
def test_a_search_that_cannot_be_says_why(base, wrong):
    with pytest.raises(BadInputError, match="must be"):
        base.search(**({"question": "x", "tenant": "t"} | wrong))


PROGRAM = """
import sys, time
from growthbench.knowledge.base import KnowledgeBase
from growthbench.store.engine import open_store
from tests.knowledge.letters import Letters
from tests.knowledge.test_base import page

class Slow(Letters):
    def encode(self, texts, progress=False):
        print("embedding", flush=True)
        time.sleep(0.02)
        return super().encode(texts)

with open_store(sys.argv[1]) as store:
    base = KnowledgeBase(store, Slow())
    base.ingest([page(f"page {i}", f"Page {i} says number {i}. " * 30) for i in range(30)], "t", progress=False)
"""


def test_an_ingest_that_was_killed_goes_on_where_it_was(tmp_path):
    url = f"sqlite:///{tmp_path / 'store.db'}"
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, url], stdout=subprocess.PIPE, env=dict(os.environ))
    for _ in range(8):
        process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.stdout.close()
    assert process.wait() == -signal.SIGKILL
    pages = [page(f"page {i}", f"Page {i} says number {i}. " * 30) for i in range(30)]
    with open_store(url) as store:
        base = KnowledgeBase(store, Letters())
        landed = len(base.documents("t"))
        assert 5 <= landed < 30
        told = base.ingest(pages, "t", progress=False)
        assert (told.new, told.unchanged) == (30 - landed, landed)
        assert base.search("page", tenant="t").method == "hybrid"
        assert base.ingest(pages, "t", progress=False).embedded == 0
