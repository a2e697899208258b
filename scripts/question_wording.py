"""How much the mere wording of a labelled question tells about whether it is answerable.

    python scripts/question_wording.py --data FOLDER_OF_DOCS_MAUTIC --work SCRATCH_FOLDER

A logistic regression learns from vectors of 10,666 questions about four manuals, which lie in
data/samples/manual_questions.tsv, which of them are near-misses. It never sees a document. Then it is asked about
three other sets: the tune part of docs_mautic/questions.jsonl, data/samples/mautic_questions.jsonl, and those
of the sample company. The area under the curve that it reaches there is what a figure for near-misses can owe to the
writers' habits; see docs/answers.md.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from growthbench.knowledge.evaluation.questions import ANSWERABLE, KINDS, read_questions
from growthbench.text.minilm import open_encoder

DATA = Path(__file__).parents[1] / "data"
BY_NUMBER_OR_PERMISSION = (
    "how many",
    "how much",
    "how long",
    "after how",
    "can ",
    "could ",
    "is it possible",
    "do",
    "will ",
)
REFUSED = 0.10  # of answerable questions


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    args = parser.parse_args()
    encoder = open_encoder(args.work, threads=2)
    lines = (DATA / "samples" / "manual_questions.tsv").read_text(encoding="utf-8").splitlines()[1:]
    pairs = [line.split("\t") for line in lines]  # answerable, near-miss
    learned = [pair[kind] for kind in (0, 1) for pair in pairs]
    y = np.repeat([1, 0], len(pairs))
    model = LogisticRegression(C=10, max_iter=2000).fit(encoder.encode(learned, progress=True), y)
    told = {"learned_from": len(learned)}
    for name, path, split in (
        ("tune", args.data / "questions.jsonl", "tune"),
        ("more", DATA / "samples" / "mautic_questions.jsonl", None),
        ("company", DATA / "knowledge" / "questions.jsonl", None),
    ):
        told[name] = _areas(model, encoder, read_questions(path, split=split))
    print(json.dumps(told, indent=1))


def _areas(model, encoder, questions):
    """Areas under the curve against answerable questions, and who is refused where a tenth of these are."""
    scores = model.decision_function(encoder.encode([q.question for q in questions]))
    kinds = np.array([q.kind for q in questions])
    asks = np.array([q.question.lower().startswith(BY_NUMBER_OR_PERMISSION) for q in questions])
    good, found = kinds == ANSWERABLE, {}
    threshold = np.quantile(scores[good], REFUSED)
    for kind in KINDS[1:]:
        some = good | (kinds == kind)
        found[f"auroc_{kind}"] = round(float(roc_auc_score(good[some], scores[some])), 3)
        found[f"refused_{kind}"] = round(float(np.mean(scores[kinds == kind] < threshold)), 3)
    found["refused_answerable_by_number_or_permission"] = round(float(np.mean(scores[good & asks] < threshold)), 3)
    found["refused_answerable_otherwise"] = round(float(np.mean(scores[good & ~asks] < threshold)), 3)
    return found


if __name__ == "__main__":
    main()
