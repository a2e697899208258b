"""Judged collections in a knowledge base, and the measures of a ranking; written apart from the code they measure."""

import math

import numpy as np

from growthbench.knowledge.documents import Document
from growthbench.knowledge.search import Weights

BASELINES = {"bm25": Weights(dense=0, smooth=0), "dense": Weights(dense=1, smooth=0), "hybrid": Weights()}


def documents_of(collection):
    return [Document(p.page_id, "product_docs", p.title, p.text) for p in collection.pages]


def ndcg(ranked, relevant, k=10):
    """Binary gains, discount 1 / log2(place + 1)."""
    gain = sum(1 / math.log2(place + 1) for place, page in enumerate(ranked[:k], start=1) if page in relevant)
    return gain / sum(1 / math.log2(place + 1) for place in range(1, min(k, len(relevant)) + 1))


def recall(ranked, relevant, k):
    return len(set(ranked[:k]) & relevant) / len(relevant)


def rankings(base, collection, tenant, k=100):
    """Ranked page ids of every question that has relevant pages."""
    return [
        ([page for page, _ in base.rank_documents(q.text, tenant=tenant, k=k)], q.relevant)
        for q in collection.questions
        if q.relevant
    ]


def mean_ndcg(base, collection, tenant):
    return float(np.mean([ndcg(ranked, relevant) for ranked, relevant in rankings(base, collection, tenant)]))
