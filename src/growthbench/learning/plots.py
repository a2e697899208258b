"""Figures of an evaluation: matplotlib's object interface, so that no global state is touched and no window opens."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from growthbench.base.statistics import Estimate

MODEL, RIVAL, GUIDE = "#1f5f8b", "#b0b7bd", "#6b7075"
_POINTS = 400
_DASHES = ("-", "--", "-.", (0, (1, 1)), (0, (5, 1)), (0, (3, 3)))
_MOST_SLICES = 30


def roc(y: np.ndarray, scores: Mapping[str, np.ndarray], rivals: Sequence[Mapping]) -> Figure:
    """True against false positive rate; the model in colour, rivals in grey."""
    figure, axes = _square("False positive rate", "True positive rate", "ROC")
    named = {r["name"]: r["auc"] for r in rivals}
    for name, score in reversed(list(scores.items())):
        hits, alarms = _cumulative(y, score)
        _curve(axes, name, alarms / alarms[-1], hits / hits[-1], f"{name} {named[name]:.3f}")
    axes.plot([0, 1], [0, 1], color=GUIDE, linewidth=0.8, linestyle=":")
    axes.legend(title="AUC", loc="lower right", frameon=False, reverse=True)
    return figure


def precision_recall(y: np.ndarray, scores: Mapping[str, np.ndarray], rivals: Sequence[Mapping]) -> Figure:
    """Precision against recall, with the base rate as a guide."""
    figure, axes = _square("Recall", "Precision", "Precision and recall")
    named = {r["name"]: r["ap"] for r in rivals}
    for name, score in reversed(list(scores.items())):
        hits, alarms = _cumulative(y, score)
        seen = np.maximum(hits + alarms, 1)
        _curve(axes, name, hits[1:] / hits[-1], (hits / seen)[1:], f"{name} {named[name]:.3f}")
    axes.axhline(y.mean(), color=GUIDE, linewidth=0.8, linestyle=":")
    axes.legend(title="average precision", loc="upper right", frameon=False, reverse=True)
    return figure


def calibration(bins: Sequence[Mapping], error: Estimate, floor: float) -> Figure:
    """Rate of outcomes against mean probability in ten bins, with the number of rows below."""
    figure = Figure(figsize=(5.2, 5.8), layout="constrained")
    axes, counts = figure.subplots(2, 1, height_ratios=(4, 1), sharex=True)
    axes.plot([0, 1], [0, 1], color=GUIDE, linewidth=0.8, linestyle=":")
    p, rate = [b["probability"] for b in bins], [b["rate"] for b in bins]
    spread = [1.96 * np.sqrt(max(b["rate"] * (1 - b["rate"]), 1e-9) / b["rows"]) for b in bins]
    axes.errorbar(p, rate, yerr=spread, color=MODEL, marker="o", markersize=5, linewidth=1.2, capsize=2)
    axes.set(ylabel="Rate of outcomes", xlim=(0, 1), ylim=(0, 1))
    axes.set_title(f"Calibration: ECE {error.value:.3f} ({error.lo:.3f} to {error.hi:.3f}), floor {floor:.3f}")
    counts.bar([(b["from"] + b["to"]) / 2 for b in bins], [b["rows"] for b in bins], width=0.09, color=RIVAL)
    counts.set(xlabel="Calibrated probability", ylabel="Rows", yscale="log")
    return _plain(figure)


def lift(gains: Sequence[Mapping], base: float) -> Figure:
    """Rate in each tenth of the ranking over the base rate."""
    figure = Figure(figsize=(5.6, 4.2), layout="constrained")
    axes = figure.subplots()
    axes.bar([g["part"] for g in gains], [g["rate"] / max(base, 1e-12) for g in gains], color=MODEL)
    axes.axhline(1.0, color=GUIDE, linewidth=0.8, linestyle=":")
    axes.set(xlabel="Tenth of the rows, best scores first", ylabel="Rate over base rate", xticks=range(1, 11))
    axes.set_title(f"Lift (base rate {base:.1%})")
    return _plain(figure)


def slices(rows: Sequence[Mapping], metric: str, overall: float) -> Figure:
    """One metric in each part of the data, with its interval where there is one."""
    shown = [r for r in rows if r.get(metric) is not None][:_MOST_SLICES]
    figure = Figure(figsize=(6.4, 1.2 + 0.26 * max(len(shown), 1)), layout="constrained")
    axes = figure.subplots()
    for place, row in enumerate(shown):
        low, high = row.get(f"{metric}_lo"), row.get(f"{metric}_hi")
        if low is not None and high is not None:
            axes.plot([low, high], [place, place], color=RIVAL, linewidth=3)
        axes.plot(row[metric], place, marker="o", markersize=5, color=MODEL)
    axes.axvline(overall, color=GUIDE, linewidth=0.8, linestyle=":")
    axes.set_yticks(range(len(shown)), [f"{r['slice']}: {r['value']} ({r['n']:,})" for r in shown], fontsize=8)
    axes.invert_yaxis()
    axes.set(xlabel=metric.upper() if len(metric) <= 3 else metric)
    axes.set_title("Slices (rows); dotted: all rows" if shown else "No slice is large enough")
    return _plain(figure)


def confusion(label: Sequence[str], predicted: Sequence[str], most: int) -> Figure:
    """Share of each class's rows predicted as each class; the ``most`` frequent classes."""
    label, predicted = np.asarray(label, object), np.asarray(predicted, object)
    names, counts = np.unique(label.astype(str), return_counts=True)
    kept = sorted(names[np.argsort(-counts, kind="stable")][:most].tolist())
    shares = np.array(
        [[((label == a) & (predicted == b)).sum() / max((label == a).sum(), 1) for b in kept] for a in kept]
    )
    side = 2.5 + 0.32 * len(kept)
    figure = Figure(figsize=(side, side), layout="constrained")
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(kept)), kept, rotation=90, fontsize=7)
    axes.set_yticks(range(len(kept)), kept, fontsize=7)
    axes.set(xlabel="Predicted", ylabel="What came", title="Share of each class")
    return figure


def _square(x: str, y: str, title: str):
    figure = Figure(figsize=(5.2, 5.0), layout="constrained")
    axes = figure.subplots()
    axes.set(xlabel=x, ylabel=y, xlim=(0, 1), ylim=(0, 1.01), title=title)
    _plain(figure)
    return figure, axes


def _curve(axes, name: str, x: np.ndarray, y: np.ndarray, label: str) -> None:
    if name == "model":
        axes.plot(x, y, color=MODEL, linewidth=2, label=label, zorder=3)
        return
    dashes = _DASHES[len(axes.lines) % len(_DASHES)]
    axes.plot(x, y, color=GUIDE, linewidth=1, linestyle=dashes, label=label, zorder=2)


def _cumulative(y: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Outcomes and others from the best score down at each distinct score, from (0, 0); at most 400 points."""
    order = np.argsort(-score, kind="stable")
    ordered = score[order]
    ends = np.r_[np.flatnonzero(ordered[1:] != ordered[:-1]), len(y) - 1]
    ends = ends[np.unique(np.linspace(0, len(ends) - 1, _POINTS).astype(int))]
    hits = np.cumsum(y[order])
    return np.r_[0, hits[ends]], np.r_[0, (np.arange(1, len(y) + 1) - hits)[ends]]


def _plain(figure: Figure) -> Figure:
    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
    return figure
