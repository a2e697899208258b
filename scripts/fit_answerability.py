"""Fit the weights of knowledge/answerability.json.

    python scripts/fit_answerability.py --data FOLDER_OF_DOCS_MAUTIC --work SCRATCH_FOLDER

On three sets of questions: the tune part of docs_mautic/questions.jsonl; 250 more about the same pages
(data/samples/mautic_questions.jsonl), whose writers saw none of the first; and those of the sample company, which count
half because they are ours. Near-misses count less: none of the facts tells them from questions that are answered, and
at full weight they only cost what tells the rest. With ``--removed`` each answerable question of tune is asked a second
time of an index without the passages that answer it, in which every score (document frequencies, means, spreads,
vectors of documents) is made anew by the product itself; these rows are measured, not fitted: pages repeat themselves,
and often another one answers. The threshold and every figure come from predictions for questions that the fit did not
see.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from growthbench.base.ids import file_digest
from growthbench.base.jsonio import write_json
from growthbench.knowledge import answerability
from growthbench.knowledge.answer_program import NEARLY_AS_NEAR, OFFLINE_CLAIMS
from growthbench.knowledge.answerability import FEATURES, WITHOUT_MEANING
from growthbench.knowledge.answers import shelf_of
from growthbench.knowledge.base import KnowledgeBase
from growthbench.knowledge.evaluation.questions import (
    ANSWERABLE,
    KINDS,
    NEAR_MISS,
    read_corpus,
    read_questions,
    spans_of,
)
from growthbench.knowledge.evidence import gather
from growthbench.knowledge.passages import cut
from growthbench.store.engine import open_store
from growthbench.text.minilm import open_encoder

DATA = Path(__file__).parents[1] / "data"
COMPANY, MORE = DATA / "knowledge", DATA / "samples" / "mautic_questions.jsonl"
FALSE_REFUSALS = 0.10  # of unseen questions
STRENGTH = 0.3  # inverse of the penalty
WEIGHTS = {"mautic": 1.0, "more": 1.0, "company": 0.5, "removed": 0.0}
NEAR_MISSES = 0.3
ABOUT_MAUTIC = ("mautic", "more")
ROLES = {"mautic": None, "company": "analytics"}


def without(document, spans):
    """The document without every passage that a labelled span touches."""
    text = document.text
    for passage in reversed(cut(document)):
        if any(passage.start < end and start < passage.end for start, end in spans):
            text = text[: passage.start] + text[passage.end :]
    return replace(document, text=text)


def points_right(sources, spans):
    """Whether an excerpt of the sources that would be cited overlaps a labelled span."""
    usable = [s for s in sources if s.best is not None]
    near = [s for s in usable if s.match >= NEARLY_AS_NEAR * usable[0].match][:OFFLINE_CLAIMS]
    cited = [(s.passage.document_id, *s.excerpt) for s in near]
    return any(d == page and a < end and start < b for d, a, b in cited for page, start, end in spans)


def row(name, kind, key, facts, right):
    return {"set": name, "kind": kind, "key": key, "facts": dict(facts), "right": right}


def asked_rows(base, tenant, name, questions, with_meaning):
    """Features of every question as it is, and whether the answer would point right."""
    shelf, role = shelf_of(base, tenant) if with_meaning else None, ROLES[tenant]
    if shelf:
        shelf.prepare(base.view(tenant, role).passages)
    texts = {d.document_id: d.text for d in base.view(tenant, role).documents}
    for one in questions:
        found = gather(base, one.question, tenant=tenant, role=role, shelf=shelf)
        yield row(name, one.kind, one.key, found.facts, points_right(found.sources, spans_of(one.golds, texts)))


def removed_rows(base, name, questions, documents, with_meaning):
    """Features of every answerable question, asked of an index without what answers it."""
    shelf = shelf_of(base, name) if with_meaning else None
    texts = {d.document_id: d.text for d in documents.values()}
    for one in (q for q in questions if q.kind == ANSWERABLE):
        spans = spans_of(one.golds, texts)
        pages = {page for page, _, _ in spans}
        lean = [without(documents[p], [(s, e) for page, s, e in spans if page == p]) for p in pages]
        base.ingest([d for d in lean if d.text.strip()], name, progress=False)
        for document in (d for d in lean if not d.text.strip()):
            base.remove(name, document.document_id)
        yield row("removed", "removed", one.key, gather(base, one.question, tenant=name, shelf=shelf).facts, False)
        base.ingest([documents[p] for p in pages], name, progress=False)


def expected_calibration_error(right, sure, weight, bins=5):
    """Mean distance of confidence and share of right ones over bins of like weight."""
    order = np.argsort(sure)
    place = np.minimum((np.cumsum(weight[order]) / weight.sum() * bins).astype(int), bins - 1)
    parts = [order[place == i] for i in range(bins)]
    gaps = [abs(np.average(right[p], weights=weight[p]) - np.average(sure[p], weights=weight[p])) for p in parts]
    return float(np.average(gaps, weights=[weight[p].sum() for p in parts]))


def fitted(rows, names):
    """The model as JSON, and what is known of how good it is."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score

    X = np.array([[r["facts"][n] for n in names] for r in rows])
    kind, group, key = (np.array([r[name] for r in rows]) for name in ("kind", "set", "key"))
    y, right = (kind == ANSWERABLE).astype(int), np.array([r["right"] for r in rows], int)
    weight = np.array([WEIGHTS[g] for g in group]) * np.where(kind == NEAR_MISS, NEAR_MISSES, 1.0)

    def fit(chosen):
        chosen = chosen & (weight > 0)
        mean, spread = X[chosen].mean(0), np.maximum(X[chosen].std(0), 1e-9)
        share = np.bincount(y[chosen], weight[chosen])
        balanced = weight[chosen] * (share.sum() / 2 / share)[y[chosen]]
        return mean, spread, LogisticRegression(C=STRENGTH).fit((X[chosen] - mean) / spread, y[chosen], balanced)

    unseen = np.zeros(len(y))
    for one in np.unique(key):
        mean, spread, model = fit(key != one)
        unseen[key == one] = model.decision_function((X[key == one] - mean) / spread)
    mean, spread, model = fit(np.ones(len(y), bool))
    main = np.isin(group, ABOUT_MAUTIC)
    answerable = np.sort(unseen[main & (y == 1)])
    place = int(np.floor(FALSE_REFUSALS * len(answerable)))
    threshold = (answerable[place - 1] + answerable[place]) / 2
    given = (weight > 0) & (unseen >= threshold)  # confidence is told with answers only
    platt = LogisticRegression(C=1.0).fit(unseen[given, None], right[given], weight[given])
    shares = {
        f"refused_unseen_{g}_{k}": round(float(np.mean(unseen[(group == g) & (kind == k)] < threshold)), 3)
        for g in (*ABOUT_MAUTIC, "company")
        for k in KINDS
    }
    pairs = [(g, k) for g in (*ABOUT_MAUTIC, "company") for k in KINDS[1:]]
    areas = {}
    for name, kind_of in [*pairs, *([("removed", "removed")] if "removed" in group else [])]:
        others = group == ("mautic" if name == "removed" else name)
        some = ((group == name) & (kind == kind_of)) | (others & (y == 1))
        areas[f"auroc_unseen_{name}_{kind_of}"] = round(float(roc_auc_score(y[some], unseen[some])), 3)
    sure = 1 / (1 + np.exp(-(platt.coef_[0, 0] * unseen + platt.intercept_[0])))
    areas["ece_unseen"] = round(expected_calibration_error(right[given], sure[given], weight[given]), 3)
    return {
        "names": list(names),
        "weights": model.coef_[0].round(6).tolist(),
        "means": mean.round(6).tolist(),
        "spreads": spread.round(6).tolist(),
        "intercept": round(float(model.intercept_[0]), 6),
        "threshold": round(float(1 / (1 + np.exp(-threshold))), 6),
        "confidence": [round(float(platt.coef_[0, 0]), 6), round(float(platt.intercept_[0]), 6)],
        "fitted": {"rows": int((weight > 0).sum()), **shares, **areas},
    }


def rows_of(work, name, documents, tune, removed):
    """Rows of both sets, with or without an encoder."""
    encoder = open_encoder(work, threads=2) if name == "meaning" else None
    with open_store(f"sqlite:///{work / f'{name}.db'}") as store:
        base = KnowledgeBase(store, encoder)
        base.ingest(documents.values(), "mautic", progress=False)
        base.ingest(COMPANY, "company", progress=False)
        rows = list(asked_rows(base, "mautic", "mautic", tune, encoder is not None))
        rows += asked_rows(base, "mautic", "more", read_questions(MORE), encoder is not None)
        rows += asked_rows(base, "company", "company", read_questions(COMPANY / "questions.jsonl"), encoder is not None)
        return rows + (list(removed_rows(base, "mautic", tune, documents, encoder is not None)) if removed else [])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--removed", action="store_true")
    args = parser.parse_args()
    documents = {d.document_id: d for d in read_corpus(args.data / "corpus.jsonl")}
    tune = read_questions(args.data / "questions.jsonl", split="tune")
    told = {}
    for name, names in (("meaning", FEATURES), ("words", WITHOUT_MEANING)):
        rows = rows_of(args.work, name, documents, tune, args.removed)
        (args.work / f"{name}.json").write_text(json.dumps(rows))
        told[name] = fitted(rows, names)
        told[name]["fitted"]["questions_sha256"] = file_digest(args.data / "questions.jsonl")
        print(name, json.dumps(told[name], indent=1), flush=True)
    write_json(told, Path(answerability.__file__).with_name("answerability.json"))


if __name__ == "__main__":
    main()
