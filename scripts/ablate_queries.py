"""Do several queries for one question find more than the question alone? Multi-query and multi-hop, without a model.

python scripts/ablate_queries.py            a Markdown table: nDCG@10 and the paired difference from the question alone

- keywords: the question, and its words that are no stop words, as two queries; mean of their z-scores.
- parts: the question and each of its sentences and clauses; mean.
- parts, best: the same, each document's best part counts (what multi-hop needs: each part finds a document of its own).
- second hop: the question, and the question with the title of the first document found; mean.
"""

import re
import tempfile

import numpy as np

from growthbench.base.settings import Settings
from growthbench.base.statistics import mean_of, paired
from growthbench.datasets import load_collection
from growthbench.knowledge.base import KnowledgeBase
from growthbench.knowledge.documents import Document
from growthbench.knowledge.evaluation.retrieval import ndcg
from growthbench.knowledge.fusion import best, z_scores
from growthbench.knowledge.search import score
from growthbench.store.engine import open_store
from growthbench.text import open_encoder, words
from growthbench.text.analysis import STOP_WORDS

COLLECTIONS = ("cranfield", "cisi", "docs-mautic")
_CLAUSE = re.compile(r"(?<=[.?!;])\s+|,\s+|\s+(?:and|or|but)\s+")
_LEAST_WORDS = 3


def keywords(view, text, of):
    """The question and its words that carry meaning."""
    return np.mean([of(text), of(" ".join(w for w in words(text) if w not in STOP_WORDS) or text)], axis=0)


def parts(view, text, of, together=np.mean):
    """The question and its clauses."""
    some = [part for part in _CLAUSE.split(text) if len(words(part)) >= _LEAST_WORDS]
    return together([of(text), *(of(part) for part in (some if len(some) > 1 else []))], axis=0)


def best_part(view, text, of):
    """The same; of each document its best part counts."""
    return parts(view, text, of, np.max)


def second_hop(view, text, of):
    """The question, and the question beside what was found first."""
    first = of(text)
    return np.mean([first, of(f"{text} {view.documents[int(np.argmax(first))].title}"[:2000])], axis=0)


WAYS = {"keywords": keywords, "parts": parts, "parts, best": best_part, "second hop": second_hop}


def figures_of(name, encoder):
    """nDCG@10 of every question by every way; ``alone`` is the question as it is."""
    collection = load_collection(name)
    found = {way: [] for way in ("alone", *WAYS)}
    with tempfile.TemporaryDirectory() as scratch, open_store(f"sqlite:///{scratch}/store.db") as store:
        base = KnowledgeBase(store, encoder)
        base.ingest([Document(p.page_id, "product_docs", p.title, p.text) for p in collection.pages], name)
        view = base.view(name)

        def of(text):
            return z_scores(score(view, text, encoder.encode([text])[0], base.weights).document)

        for question in (q for q in collection.questions if q.relevant):
            for way, how in {"alone": lambda view, text, of: of(text), **WAYS}.items():
                ranked = [view.documents[i].document_id for i in best(how(view, question.text, of), 10)]
                found[way].append(ndcg(ranked, set(question.relevant), 10))
    return {way: np.array(values) for way, values in found.items()}


def main():
    print("| way | " + " | ".join(COLLECTIONS) + " |\n| --- |" + " --- |" * len(COLLECTIONS))
    encoder = open_encoder(Settings.read().home, threads=2)
    by_name = {name: figures_of(name, encoder) for name in COLLECTIONS}
    for way in ("alone", *WAYS):
        cells = []
        for found in by_name.values():
            alone, this = found["alone"], found[way]
            one = paired({"x": mean_of(alone)}, {"x": mean_of(this)}, len(this), 1000, np.random.default_rng(0))["x"]
            told = "" if way == "alone" else f" ({one.value:+.3f}, {one.lo:+.3f} to {one.hi:+.3f})"
            cells.append(f"{this.mean():.3f}{told}")
        print(f"| {way} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
