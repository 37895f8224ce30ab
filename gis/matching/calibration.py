"""Are we right as often as we say? 校准: reliability by kind of evidence, and what it demands.

A match says how sure it is; answers that turn out right or wrong say how sure it should have been.
Per kind of evidence (:data:`KINDS`) the two are compared in bins; the fitted line never falls, and
bins with few answers stay near what was said. The share from which a case may route itself is not
chosen: it is the smallest one from which, by these counts, the wanted precision was kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import sqrt
from typing import Final, NamedTuple

KINDS: Final = (
    "pin", "pin-history", "pin-suspect", "address-door", "address-place", "address-coarse",
    "pin-address", "conflict", "photo",
)  # fmt: skip
"""Kinds of evidence that are calibrated apart."""

PLACE: Final = "place:"
"""Before the level of a place: how often the place that an address names first is right."""

EDGES: Final = (
    0.0, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99, 0.995, 0.999, 1.0,
)  # fmt: skip
"""Edges of the bins of said confidence; finer where it matters."""

SAID_COUNTS: Final = 40.0
"""In each bin, what was said counts as so many answers beside those that came in."""

SAID_OF_PLACES: Final = 8.0
"""The same for places: their shares are made of costs, and no probabilities by themselves."""

LEAST_TO_ROUTE: Final = 0.8
"""However right the others are, a case less sure than this is looked at by a person."""

ECE_BINS: Final = 15


class Answered(NamedTuple):
    """A match whose answer is known; ``right`` may be a probability where it is known so far."""

    kind: str
    confidence: float
    right: float


@dataclass(frozen=True, slots=True)
class Bin:
    """Said and kept: answers of one kind whose confidence lay from ``low`` up to ``high``."""

    kind: str
    low: float
    high: float
    said: float
    right: float
    answers: int


@dataclass(frozen=True, slots=True)
class Calibration:
    """Per kind of evidence: said confidence -> kept confidence, as a rising broken line.

    Without answers nothing is changed.
    """

    bins: tuple[Bin, ...] = ()
    lines: Mapping[str, tuple[tuple[float, float], ...]] = field(default_factory=dict)

    def kept(self, kind: str, said: float) -> float:
        """Return how often a confidence of that kind is kept.

        >>> Calibration().kept("pin", 0.97)
        0.97
        """
        line = self.lines.get(kind)
        if not line:
            return said
        for (x1, y1), (x2, y2) in pairwise(line):
            if said <= x2:
                return y1 if x2 == x1 else y1 + (y2 - y1) * (said - x1) / (x2 - x1)
        return line[-1][1]

    def threshold(self, precision: float, otherwise: float) -> float:
        """Return the smallest kept confidence from which on a precision was reached.

        Reached with one standard error to spare: what was counted once varies.
        ``otherwise`` where there are too few answers to tell.
        """
        counted = sorted(
            (
                (self.kept(b.kind, b.low), b.right, b.answers)
                for b in self.bins
                if b.answers and not b.kind.startswith(PLACE)
            ),
            reverse=True,
        )
        if sum(answers for _, _, answers in counted) < 10 * SAID_COUNTS:
            return otherwise
        right = answers = 0.0
        best = 1.0
        for kept, got, count in counted:
            right, answers = right + got, answers + count
            wrong = answers - right
            if wrong + sqrt(wrong + 1.0) <= (1.0 - precision) * answers:
                best = max(kept, LEAST_TO_ROUTE)
        return best


def bins_of(answered: Iterable[Answered]) -> tuple[Bin, ...]:
    """Return the counts of each kind and bin, by kind, then by confidence; empty ones are left out.

    >>> bins_of([Answered("pin", 0.97, True)])[0].right
    1.0
    """
    counts: dict[tuple[str, int], list[float]] = {}
    for kind, confidence, right in answered:
        row = counts.setdefault((kind, _bin(confidence)), [0.0, 0.0, 0.0])
        row[0] += confidence
        row[1] += right
        row[2] += 1
    return tuple(
        Bin(kind, EDGES[at], EDGES[at + 1], said / n, right, int(n))
        for (kind, at), (said, right, n) in sorted(counts.items())
    )


def _bin(confidence: float) -> int:
    for at in range(len(EDGES) - 2, -1, -1):
        if confidence >= EDGES[at]:
            return at
    return 0


def fitted(bins: Sequence[Bin]) -> Calibration:
    """Return the calibration that the counts give: shrunk towards what was said, never falling.

    Neighbouring bins that would fall are pooled (pool adjacent violators; M. Ayer et al., Ann.
    Math. Statist. 26, 1955).
    """
    lines: dict[str, tuple[tuple[float, float], ...]] = {}
    for kind in sorted({b.kind for b in bins}):
        beside = SAID_OF_PLACES if kind.startswith(PLACE) else SAID_COUNTS
        pools: list[list[float]] = []  # said x weight, kept x weight, weight
        for b in bins:
            if b.kind != kind or not b.answers:
                continue
            weight = b.answers + beside
            pools.append([b.said * weight, b.right + beside * b.said, weight])
            while len(pools) > 1 and pools[-2][1] / pools[-2][2] > pools[-1][1] / pools[-1][2]:
                last = pools.pop()
                pools[-1] = [a + c for a, c in zip(pools[-1], last, strict=True)]
        points = [(said / w, kept / w) for said, kept, w in pools]
        lines[kind] = ((0.0, 0.0), *points, (1.0, max(1.0 - 1.0 / pools[-1][2], points[-1][1])))
    return Calibration(tuple(bins), lines)


def expected_calibration_error(said: Sequence[float], right: Sequence[bool]) -> float:
    """Return the ECE: mean gap of said and kept over equal bins of confidence, by their size.

    M. P. Naeini, G. F. Cooper, M. Hauskrecht, AAAI 2015; 15 bins.

    >>> expected_calibration_error([0.9, 0.9], [True, True])
    0.09999999999999998
    """
    if not said:
        return 0.0
    rows: dict[int, list[float]] = {}
    for confidence, correct in zip(said, right, strict=True):
        row = rows.setdefault(min(int(confidence * ECE_BINS), ECE_BINS - 1), [0.0, 0.0])
        row[0] += confidence
        row[1] += correct
    return sum(abs(a - b) for a, b in rows.values()) / len(said)
