"""Match the history again 重新匹配, and say which events another edition of the grids moves.

Nothing is written: open work orders follow a publication by themselves
(:mod:`gis.services.follow`); this shows what a redraw means for what was reported before. Events
are matched by what came in, as it was kept; those without a pin are counted and left alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from gis.errors import GovernanceError
from gis.governance.actors import Actor
from gis.matching.knowledge import Knowledge
from gis.services.lookup import InForce, Snapshots
from gis.services.match_request import MatchRequest
from gis.services.matching import match
from gis.store import events
from gis.store.unit_of_work import Database, UnitOfWork

PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class Move:
    """An event that another grid, or another decision, would have now."""

    number: str
    received_at: datetime
    before: str | None
    after: str | None
    routing: str
    decision: str
    confidence: float


@dataclass(slots=True)
class Rematched:
    """What a run found: how many of which outcome, and every move."""

    revision: int
    counts: Counter[str] = field(default_factory=Counter)
    moves: list[Move] = field(default_factory=list)

    def pairs(self) -> list[tuple[tuple[str | None, str | None], int]]:
        """Return from which grid to which, the most frequent first (ties: codes)."""
        found = Counter((one.before, one.after) for one in self.moves)
        return sorted(found.items(), key=lambda one: (-one[1], str(one[0])))


def rematch(
    database: Database,
    boundaries: Snapshots,
    actor: Actor,
    *,
    threshold: float,
    now: datetime,
    area: str | None = None,
    since: datetime | None = None,
    at: datetime | None = None,
) -> Rematched:
    """Match events again on the boundaries in force ``at`` an instant (now without one).

    Parameters
    ----------
    area, since
        Only events of an area, or received since an instant.
    """
    with database.reading(actor) as work:
        in_force = boundaries.in_force(work, at)
        found = Rematched(in_force.snapshot.revision)
        knowledge = boundaries.knowledge(work, in_force.snapshot)
        wanted = events.EventFilter(area=area, since=since, scope=actor.area_code)
        for row in _all(work, wanted):
            found.counts["events"] += 1
            _one(in_force, knowledge, row, found, threshold=threshold, at=at or now)
    return found


def _all(work: UnitOfWork, wanted: events.EventFilter) -> Iterator[dict[str, Any]]:
    after = None
    while True:
        rows = events.listing(work, wanted, after=after, limit=PAGE)
        yield from map(dict, rows)
        if len(rows) < PAGE:
            return
        after = (rows[-1]["received_at"], rows[-1]["id"])


def _one(
    in_force: InForce,
    knowledge: Knowledge,
    row: dict[str, Any],
    found: Rematched,
    *,
    threshold: float,
    at: datetime,
) -> None:
    raw = row["raw_location"]
    if raw is None and (knowledge.addresses is None or not row["address"]):
        found.counts["without-pin"] += 1
        return
    request = MatchRequest.of_kept(
        raw,
        address=row["address"],
        category=row["category"],
        source=row["source"],
    )
    try:
        again = match(
            in_force.snapshot,
            request,
            threshold=threshold,
            exceptions=in_force.exceptions,
            at=at,
            knowledge=knowledge,
            lenient=True,
        )
    except GovernanceError:
        found.counts["unreadable"] += 1
        return
    if again.grid_code == row["grid_code"]:
        found.counts["same"] += 1
        return
    found.counts["moved"] += 1
    found.moves.append(
        Move(
            row["number"], row["received_at"], row["grid_code"], again.grid_code,
            row["routing"], again.decision.decision, again.decision.confidence,
        )
    )  # fmt: skip
