"""How good matching is, against known answers 评估: accuracy, what routes itself, reliability."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from gis.matching.calibration import Answered, expected_calibration_error

BANDS: Final = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999)
"""Lower edges of the rows of the calibration table."""
FIRST: Final = 3


@dataclass(frozen=True, slots=True)
class Judged:
    """One case: what was answered, and what is right.

    ``best`` is the first candidate with its probability ``confidence``; ``rank`` the place of the
    right grid among the candidates, 0 for not among them. ``neighbour`` tells whether the wrong
    grid touches the right one.
    """

    source: str
    kind: str
    decision: str
    level: str | None
    best: str | None
    answer: str
    confidence: float
    rank: int
    neighbour: bool = False
    edge_distance_m: float | None = None

    @property
    def right(self) -> bool:
        """Tell whether the first candidate is the right grid."""
        return self.best == self.answer


def answered(judged: Iterable[Judged]) -> list[Answered]:
    """Return what calibration counts."""
    return [Answered(one.kind, one.confidence, one.right) for one in judged]


def report(judged: Sequence[Judged]) -> dict[str, Any]:
    """Return every figure of an evaluation as JSON carries it.

    >>> one = Judged("snap", "pin", "auto", "grid", "a", "a", 0.99, 1)
    >>> figures = report([one])
    >>> figures["accuracy"], figures["auto_share"], figures["precision_of_auto"]
    (1.0, 1.0, 1.0)
    """
    confidences = [one.confidence for one in judged]
    return {
        **figures(judged),
        "calibration_error": round(
            expected_calibration_error(confidences, [one.right for one in judged]), 6
        ),
        "calibration": _bands(judged),
        "by_source": _by(judged, lambda one: one.source),
        "by_evidence": _by(judged, lambda one: one.kind),
        "by_level": _by(judged, lambda one: one.level or "none"),
        "confusion": _confusion(judged),
    }


def figures(judged: Sequence[Judged]) -> dict[str, Any]:
    """Return count, accuracy, auto share, precision of auto, and how good the queue is.

    A share of nothing is None.
    """
    auto = [one for one in judged if one.decision == "auto"]
    review = [one for one in judged if one.decision == "review"]
    return {
        "events": len(judged),
        "accuracy": _share(one.right for one in judged),
        "auto_share": _share(one.decision == "auto" for one in judged),
        "precision_of_auto": _share(one.right for one in auto),
        "auto": len(auto),
        "auto_wrong": sum(not one.right for one in auto),
        "review": len(review),
        "review_first_three": _share(0 < one.rank <= FIRST for one in review),
        "outside": sum(one.decision == "outside" for one in judged),
        "invalid": sum(one.decision == "invalid" for one in judged),
    }


def _share(values: Iterable[bool]) -> float | None:
    found = list(values)
    return round(sum(found) / len(found), 6) if found else None


def _by(judged: Sequence[Judged], of: Callable[[Judged], str]) -> dict[str, Any]:
    groups: dict[str, list[Judged]] = {}
    for one in judged:
        groups.setdefault(of(one), []).append(one)
    return {key: figures(groups[key]) for key in sorted(groups)}


def _bands(judged: Sequence[Judged]) -> list[dict[str, Any]]:
    rows = []
    for low, high in zip(BANDS, (*BANDS[1:], 1.000001), strict=True):
        held = [one for one in judged if low <= one.confidence < high]
        rows.append(
            {
                "from": low,
                "to": min(high, 1.0),
                "events": len(held),
                "said": round(sum(o.confidence for o in held) / len(held), 6) if held else None,
                "right": _share(one.right for one in held),
            }
        )
    return rows


def _confusion(judged: Sequence[Judged]) -> dict[str, Any]:
    """Return where the wrong ones went: next door or far, and the pairs that recur."""
    wrong = [one for one in judged if not one.right and one.best is not None]
    pairs = Counter((one.answer, one.best) for one in wrong)
    often = sorted(pairs.items(), key=lambda item: (-item[1], item[0]))[:20]
    return {
        "wrong": len(wrong),
        "neighbour": sum(one.neighbour for one in wrong),
        "farther": sum(not one.neighbour for one in wrong),
        "none": sum(one.best is None for one in judged),
        "pairs": [
            {"right": right, "taken_for": taken, "events": count} for (right, taken), count in often
        ],
    }


def reliability(judged: Sequence[Judged], bins: int = 15) -> list[tuple[float, float, int]]:
    """Return (said, kept, count) per equal bin of confidence that holds any, for a picture."""
    rows: dict[int, list[float]] = {}
    for one in judged:
        row = rows.setdefault(min(int(one.confidence * bins), bins - 1), [0.0, 0.0, 0.0])
        row[0] += one.confidence
        row[1] += one.right
        row[2] += 1
    return [(row[0] / row[2], row[1] / row[2], int(row[2])) for _, row in sorted(rows.items())]
