"""Scores of address reading on real labelled texts: spans by label, pairs by decision.

Even lines were looked at while the grammar was written; figures are of the odd ones, unseen.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gis.matching.address_parse import parse

LOST_BY_LABEL = {
    "prov": "elsewhere is not noticed", "city": "elsewhere is not noticed",
    "district": "same names in two districts", "town": "same names in two towns",
    "community": "right road, wrong community", "village_group": "right village, no hamlet",
    "devzone": "right road, no zone", "road": "no door: only the area is known",
    "roadno": "no door: only the road is known", "poi": "no compound or firm: only the road",
    "subpoi": "right compound, wrong part", "houseno": "right compound, no building",
    "cellno": "right building, no unit", "floorno": "nothing: floors share a place",
    "roomno": "nothing: rooms share a place", "assist": "up to 100 m beside",
    "intersection": "a road instead of its crossing", "distance": "a distance beside",
}  # fmt: skip
"""Label -> what a user loses when it is missed."""


LOST_BY_ERROR = {
    "edges": "a character too many or too few: found by sound or slip, else its area only",
    "label": "looked up as another kind: found where names of both kinds are one table, else not",
    "split": "its first half is looked up: a namesake of that half, or its area only",
    "swallowed": "part of a longer name: neither is found, its area only",
    "missed": "not looked up at all",
    "invented": "words that name nothing are looked up: costs a share of certainty",
}
"""Class of error -> what a user loses by it."""


def error_of(span: tuple[str, int, int], found: set[tuple[str, int, int]]) -> tuple[str, str]:
    """Return the class of error of a wanted span that was not found, and what was found there."""
    label, start, end = span
    over = sorted((f for f in found if f[1] < end and f[2] > start), key=lambda f: f[1])
    there = "+".join(f[0] for f in over)
    if not over:
        return "missed", "-"
    if len(over) > 1:
        return "split", there
    if over[0][1:] == (start, end):
        return "label", there
    return "edges" if over[0][0] == label else "swallowed", there


@dataclass(slots=True)
class Scores:
    """Counts by label; a span counts when label, start and end agree."""

    right: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    errors: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    whole: int = 0
    texts: int = 0

    def of(self, label: str | None = None) -> tuple[float, float, float]:
        """Precision, recall and F1 of a label, of all spans together without one."""
        right, wrong, missed = (
            float(sum(c.values()) if label is None else c[label])
            for c in (self.right, self.wrong, self.missed)
        )
        precision = right / (right + wrong) if right + wrong else 0.0
        recall = right / (right + missed) if right + missed else 0.0
        total = precision + recall
        return precision, recall, 2 * precision * recall / total if total else 0.0


def labelled(shared_data: Path, part: int) -> list[dict[str, Any]]:
    """The labelled texts: part 0 the even lines, 1 the odd ones."""
    return all_labelled(shared_data)[part::2]


def all_labelled(shared_data: Path) -> list[dict[str, Any]]:
    path = shared_data / "cn-address/parse_labelled.jsonl"
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def parse_scores(rows: Sequence[dict[str, Any]]) -> Scores:
    scores = Scores()
    for row in rows:
        found = {(part.label, part.start, part.end) for part in parse(row["text"])}
        wanted = {(label, start, end) for label, _, start, end in row["spans"]}
        scores.right.update(label for label, _, _ in found & wanted)
        scores.wrong.update(label for label, _, _ in found - wanted)
        scores.missed.update(label for label, _, _ in wanted - found)
        for span in wanted - found:
            kind, there = error_of(span, found)
            scores.errors[kind, span[0], there] += 1
        for label, start, end in found - wanted:
            if not any(low < end and high > start for _, low, high in wanted):
                scores.errors["invented", "-", label] += 1
        scores.whole += found == wanted
        scores.texts += 1
    return scores


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of texts, their label (0 other, 1 partly the same, 2 the same), and the unseen ones."""

    texts: list[tuple[str, str]]
    label: npt.NDArray[np.int64]
    unseen: npt.NDArray[np.bool_]


def pairs(shared_data: Path, every: int = 1) -> Pairs:
    with (shared_data / "cn-address/match_pairs.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if int(row["query_id"]) // 2 % every == 0]
    return Pairs(
        [(row["query"], row["candidate"]) for row in rows],
        np.array([int(row["label"]) for row in rows]),
        np.array([int(row["query_id"]) % 2 == 1 for row in rows]),
    )


def pair_f1(
    given: Pairs, score: Callable[[str, str], float], *, at_least: int
) -> tuple[float, float]:
    """Return F1 on the unseen pairs, and the threshold that was best on the others."""
    scores = np.array([score(a, b) for a, b in given.texts])
    same = given.label >= at_least
    seen = ~given.unseen
    limits = np.unique(np.quantile(scores[seen], np.linspace(0, 1, 200)))
    best = max(limits, key=lambda limit: _f1(same[seen], scores[seen] >= limit))
    return _f1(same[given.unseen], scores[given.unseen] >= best), float(best)


def crossed_f1(given: Pairs, score: Callable[[str, str], float], *, at_least: int) -> float:
    """Return F1 on all pairs, each half decided by the threshold that was best on the other."""
    scores = np.array([score(a, b) for a, b in given.texts])
    same, decided = given.label >= at_least, np.zeros(len(scores), bool)
    for half in (given.unseen, ~given.unseen):
        limits = np.unique(np.quantile(scores[~half], np.linspace(0, 1, 200)))
        best = max(limits, key=lambda limit: _f1(same[~half], scores[~half] >= limit))
        decided[half] = scores[half] >= best
    return _f1(same, decided)


def _f1(wanted: npt.NDArray[np.bool_], found: npt.NDArray[np.bool_]) -> float:
    total = int(wanted.sum()) + int(found.sum())
    return 2 * int((wanted & found).sum()) / total if total else 0.0
