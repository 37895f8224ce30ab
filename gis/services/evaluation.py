"""Evaluation 评估: match again what is stored, or a file, and compare with the known grids."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import shapely
from sqlalchemy import RowMapping

from gis.errors import GovernanceError, NothingToEvaluate
from gis.governance.areas import COARSE_TO_FINE
from gis.matching.calibration import PLACE, bins_of, fitted
from gis.matching.candidates import Candidate
from gis.matching.evaluation import Judged, answered
from gis.matching.knowledge import Knowledge
from gis.services import history
from gis.services.boundary_snapshot import BoundarySnapshot
from gis.services.match_request import MatchRequest
from gis.services.matching import Match, match
from gis.store import learning as store
from gis.store.unit_of_work import UnitOfWork

NEIGHBOUR_DEG: Final = 1e-7


@dataclass(frozen=True, slots=True)
class Case:
    """A request whose right grid is known."""

    request: MatchRequest
    answer: str


def stored_cases(
    work: UnitOfWork,
    *,
    truths: bool,
    most: int | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[Case]:
    """Return stored events whose grid is known, as they came in, newest first.

    ``truths``: by known answers of made or verified events; otherwise by the grid in which a case
    was closed.

    Raises
    ------
    gis.errors.NothingToEvaluate
        There is none.
    """
    rows = store.answered_events(work, truths=truths, most=most, since=since, until=until)
    if not rows:
        raise NothingToEvaluate(what_zh="事件", what_en="event")
    return [Case(_request(row), row["answer"]) for row in rows]


def _request(row: RowMapping) -> MatchRequest:
    return MatchRequest.of_kept(
        row["raw_location"],
        address=row["address"],
        category=row["category"],
        at=row["reported_at"],
        source=row["source"],
    )


class Judge:
    """Matches cases on one snapshot and compares with what is right."""

    def __init__(
        self, snapshot: BoundarySnapshot, knowledge: Knowledge, *, threshold: float
    ) -> None:
        self._snapshot = snapshot
        self._knowledge = knowledge
        self._threshold = threshold
        self._touching: dict[tuple[str, str], bool] = {}
        self._shapes = {
            code: shape
            for layer in ("dedicated", *COARSE_TO_FINE)
            for code, shape in zip(
                snapshot.index(layer).keys, snapshot.index(layer).geometries, strict=True
            )
        }
        names = Counter(area.name for area in snapshot.areas.values())
        self._by_name = {
            area.name: area.code for area in snapshot.areas.values() if names[area.name] == 1
        }

    def judge(self, case: Case) -> Judged:
        """Return what matching says and whether it is right; a refused case is ``invalid``."""
        request = case.request
        source = request.source or "-"
        try:
            matched = match(
                self._snapshot,
                request,
                threshold=self._threshold,
                knowledge=self._knowledge,
                lenient=True,
            )
        except GovernanceError:
            return Judged(source, "invalid", "invalid", None, None, case.answer, 0.0, 0)
        return self._judged(source, matched, case.answer)

    def _judged(self, source: str, matched: Match, answer: str) -> Judged:
        chosen = matched.decision
        if answer not in self._snapshot.areas:
            answer = self._by_name.get(answer, answer)
        shares = self._at_level(chosen.candidates, answer)
        codes = list(shares)
        best = codes[0] if codes else None
        return Judged(
            source,
            matched.kind,
            chosen.decision,
            chosen.level,
            best,
            answer,
            0.0 if best is None else min(shares[best], 1.0),
            codes.index(answer) + 1 if answer in shares else 0,
            best is not None and best != answer and self._neighbours(best, answer),
            matched.edge_distance_m,
        )

    def _at_level(self, candidates: Sequence[Candidate], answer: str) -> dict[str, float]:
        """Return code -> probability at the level of the answer, the best first."""
        known = self._snapshot.areas.get(answer)
        shares: dict[str, float] = {}
        for candidate in candidates:
            code = candidate.code
            if known is not None and known.level != candidate.area.level:
                above = [area.code for area in candidate.path if area.level == known.level]
                if not above:
                    continue
                code = above[0]
            shares[code] = shares.get(code, 0.0) + candidate.probability
        return dict(sorted(shares.items(), key=lambda item: (-item[1], item[0])))

    def _neighbours(self, one: str, other: str) -> bool:
        pair = (min(one, other), max(one, other))
        if pair not in self._touching:
            known = all(code in self._shapes for code in pair)
            self._touching[pair] = known and bool(
                shapely.dwithin(self._shapes[pair[0]], self._shapes[pair[1]], NEIGHBOUR_DEG)
            )
        return self._touching[pair]


def judged(
    cases: Iterable[Case], judge: Judge, told: Callable[[int], None] = lambda _: None
) -> Iterator[Judged]:
    """Yield the judgement of each case; ``told`` hears how many are done."""
    for number, case in enumerate(cases, start=1):
        yield judge.judge(case)
        if number % 200 == 0:
            told(number)


def without_calibration(knowledge: Knowledge) -> Knowledge:
    """Return the same knowledge that says what it computes: what calibration must be fitted on.

    How far the gazetteer may be trusted, which pins told, stays.
    """
    bins = [b for b in knowledge.experience.calibration.bins if b.kind.startswith(PLACE)]
    return replace(knowledge, experience=replace(knowledge.experience, calibration=fitted(bins)))


def recalibrate(
    work: UnitOfWork,
    snapshot: BoundarySnapshot,
    knowledge: Knowledge,
    cases: Iterable[Case],
    told: Callable[[int], None] = lambda _: None,
) -> list[Judged]:
    """Count said and kept confidence over cases, and write it as the new calibration."""
    judge = Judge(snapshot, without_calibration(knowledge), threshold=1.0)
    found = list(judged(cases, judge, told))
    history.keep_reliability(work, bins_of(answered(found)))
    return found
