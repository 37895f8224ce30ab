"""Any sequence of drafts, publications and retirements keeps what boundaries promise.

A strip of ground is cut into areas at whole numbers; a model keeps who owns each unit. Drafts cut,
join, move a line, or retire; they are published at once or later, in any order, or discarded.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, ClassVar

import geopandas as gpd
import pytest
import shapely
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from gis.cluster import Cluster
from gis.errors import DraftOutdated, NoPublishedBoundary, ValidFromPast, ValidFromTooEarly
from gis.governance.actors import SYSTEM
from gis.services import editions
from gis.services.boundaries import import_areas
from gis.services.lookup import Boundaries
from gis.store import boundaries as boundary_store
from gis.store.unit_of_work import Database
from tests.conftest import cloned

SEQUENCES = int(os.environ.get("GRIDWARD_EDITION_SEQUENCES", "40"))
"""Sequences in a run; the long run is 1000."""

STEPS = 8
DAY = timedelta(days=1)
WAITS = (None, None, None, timedelta(milliseconds=40), DAY, 30 * DAY)
"""From a publication, or from the last one's day, to the day of the next; None: at once."""
PAST = (ValidFromTooEarly, ValidFromPast)
WIDTH = 8
WEST, SOUTH, SIDE = 118.25, 32.25, 2.0**-8
Owners = tuple[str | None, ...]
"""Who owns each unit of the strip, from the west."""
Answer = tuple[list[list[str]], list[str | None]]
"""Who covers the middle of each unit, and who has each line between two."""

EMPTY = sa.text(
    "truncate boundary_revisions, areas, area_versions, draft_retirements, area_lineage, "
    "boundary_exceptions cascade"
)


@dataclass
class Draft:
    number: int
    base: int
    drawn: dict[str, tuple[int, int]]
    retired: frozenset[str]


@dataclass
class Model:
    owners: Owners = (None,) * WIDTH
    history: list[tuple[datetime, Owners]] = field(default_factory=list)
    touched: list[dict[str, tuple[int, int] | None]] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    retired: set[str] = field(default_factory=set)
    made: int = 0

    def extents(self) -> dict[str, tuple[int, int]]:
        found: dict[str, tuple[int, int]] = {}
        for place, owner in enumerate(self.owners):
            if owner is not None:
                found[owner] = (found.get(owner, (place, 0))[0], place + 1)
        return found

    def new_code(self) -> str:
        self.made += 1
        return f"G{self.made:04d}"

    def collides(self, draft: Draft) -> bool:
        """Tell whether a revision since the draft's base touched its areas or its ground."""
        for touched in self.touched[draft.base :]:
            if set(touched) & (set(draft.drawn) | draft.retired):
                return True
            for code, extent in touched.items():
                stands = extent is not None and self.extents().get(code) == extent
                if (
                    stands
                    and extent is not None
                    and any(
                        min(extent[1], drawn[1]) > max(extent[0], drawn[0])
                        for drawn in draft.drawn.values()
                    )
                ):
                    return True
        return False


def box(extent: tuple[int, int]) -> shapely.Polygon:
    return shapely.box(WEST + extent[0] * SIDE, SOUTH, WEST + extent[1] * SIDE, SOUTH + SIDE)


class Editions(RuleBasedStateMachine):
    database: ClassVar[Database]
    owner: ClassVar[Database]
    drafts = Bundle("drafts")

    @initialize(lines=st.sets(st.integers(1, WIDTH - 1), max_size=3))
    def first(self, lines: set[int]) -> None:
        with self.owner.engine.begin() as connection:
            connection.execute(EMPTY)
        self.model = Model()
        self.boundaries = Boundaries(self.database)
        edges = [0, *sorted(lines), WIDTH]
        drawn = {self.model.new_code(): (west, east) for west, east in pairwise(edges)}
        self.publish(self.drafted(drawn, frozenset()))

    def drafted(self, drawn: dict[str, tuple[int, int]], retired: frozenset[str]) -> Draft:
        base = len(self.model.history)
        if not drawn:
            answer = editions.retire_areas(self.database, SYSTEM, sorted(retired))
            return Draft(answer.body["draft_id"], base, drawn, retired)
        table: dict[str, Any] = {"row": range(1, len(drawn) + 1), "code": list(drawn)}
        table["name"] = [f"{code} {self.model.made}" for code in drawn]
        self.model.made += 1  # no two drafts say the same
        report = import_areas(
            self.database,
            SYSTEM,
            gpd.GeoDataFrame(table, geometry=[box(e) for e in drawn.values()], crs=4326),
            level="grid",
            code="code",
            name="name",
            code_system="local",
            retire=sorted(retired),
        )
        assert report.outcome == "drafted"
        assert report.draft_id is not None
        return Draft(report.draft_id, base, drawn, retired)

    @rule(target=drafts, pick=st.integers(0, 99), at=st.integers(0, 99), keep=st.booleans())
    def cut(self, pick: int, at: int, keep: bool) -> Draft:
        """Two areas where one was; the old one keeps a part of its ground, or retires."""
        extents = self.model.extents()
        if not extents:
            return self.drafted({self.model.new_code(): (0, WIDTH)}, frozenset())
        code, (west, east) = list(extents.items())[pick % len(extents)]
        if east - west < 2:
            return self.drafted({code: (west, east)}, frozenset())
        line = west + 1 + at % (east - west - 1)
        first = code if keep else self.model.new_code()
        drawn = {first: (west, line), self.model.new_code(): (line, east)}
        return self.drafted(drawn, frozenset() if keep else frozenset({code}))

    @rule(target=drafts, pick=st.integers(0, 99), keep=st.booleans())
    def join(self, pick: int, keep: bool) -> Draft:
        """One area where two neighbours were."""
        extents = list(self.model.extents().items())
        pairs = [(one, two) for one, two in pairwise(extents) if one[1][1] == two[1][0]]
        if not pairs:
            return self.cut(pick, 0, keep)
        (one, (west, _)), (two, (_, east)) = pairs[pick % len(pairs)]
        code = one if keep else self.model.new_code()
        return self.drafted({code: (west, east)}, frozenset({one, two} - {code}))

    @rule(target=drafts, pick=st.integers(0, 99))
    def give_up(self, pick: int) -> Draft:
        """An area that retires without an heir."""
        extents = list(self.model.extents())
        if not extents:
            return self.cut(pick, 0, keep=True)
        return self.drafted({}, frozenset({extents[pick % len(extents)]}))

    @rule(draft=consumes(drafts))
    def discard(self, draft: Draft) -> None:
        editions.discard_draft(self.database, SYSTEM, draft.number)

    @rule(draft=consumes(drafts), wait=st.sampled_from(WAITS))
    def publish(self, draft: Draft, wait: timedelta | None = None) -> None:
        model = self.model
        expected = model.collides(draft)
        start = self.start(draft, wait)
        try:
            revision = editions.publish_draft(self.database, SYSTEM, draft.number, valid_from=start)
        except DraftOutdated:
            assert expected
            return
        assert not expected
        assert revision == len(model.history) + 1
        owners = [None if owner in draft.retired else owner for owner in model.owners]
        owners = [None if owner in draft.drawn else owner for owner in owners]
        for code, (west, east) in draft.drawn.items():
            assert code not in model.retired, "a retired code came back"
            owners[west:east] = [code] * (east - west)
        model.owners = tuple(owners)
        model.retired |= draft.retired
        model.touched.append({**draft.drawn, **dict.fromkeys(draft.retired)})
        with self.database.reading(SYSTEM) as work:
            stored = work.scalar(sa.text("select max(effective_from) from boundary_revisions"))
        assert start in (None, stored)
        model.history.append((stored, model.owners))

    def start(self, draft: Draft, wait: timedelta | None) -> datetime | None:
        """Return from when a draft shall be in force: never before what is published already."""
        now = self.now()
        if not self.model.history:
            return None
        last = self.model.history[-1][0]
        for early, error in ((last, ValidFromTooEarly), (now - DAY, PAST)):
            with pytest.raises(error):
                editions.publish_draft(self.database, SYSTEM, draft.number, valid_from=early)
        if wait is not None:
            return max(last, now) + wait
        return None if last < now else last + timedelta(microseconds=1)

    def now(self) -> datetime:
        with self.database.reading(SYSTEM) as work:
            return boundary_store.clock(work)

    @rule(pick=st.integers(0, 99))
    def a_retired_code_is_refused(self, pick: int) -> None:
        gone = sorted(self.model.retired)
        if not gone:
            return
        code = gone[pick % len(gone)]
        frame = gpd.GeoDataFrame(
            {"row": [1], "code": [code], "name": ["again"]}, geometry=[box((0, 1))], crs=4326
        )
        report = import_areas(
            self.database,
            SYSTEM,
            frame,
            level="grid",
            code="code",
            name="name",
            code_system="local",
        )
        assert [finding.kind for finding in report.errors] == ["code-taken"]

    @invariant()
    def every_instant_keeps_its_answer(self) -> None:
        """One owner per point per instant; what was true before a publication stays so."""
        if not hasattr(self, "model") or not self.model.history:
            return
        first = self.model.history[0][0]
        with (
            pytest.raises(NoPublishedBoundary),
            self.database.reading(SYSTEM) as work,
        ):
            self.boundaries.snapshot(work, first - timedelta(microseconds=1))
        instants = [start for start, _ in self.model.history]
        ends = [*instants[1:], None]
        for (start, owners), end in zip(self.model.history, ends, strict=True):
            asked = start + 365 * DAY if end is None else end - timedelta(microseconds=1)
            for at in (start, asked):
                self.compare(at, owners)
        for at in (self.now(), None):
            before = self.in_force()
            found = self.answer(at)
            if before == self.in_force():  # no day began while it was asked
                assert found == answer_of(self.model.history[before][1])

    def in_force(self) -> int:
        """Return which publication is in force now."""
        now = self.now()
        return max(k for k, (start, _) in enumerate(self.model.history) if start <= now)

    def compare(self, at: datetime, owners: Owners) -> None:
        assert self.answer(at) == answer_of(owners), at

    def answer(self, at: datetime | None) -> Answer:
        with self.database.reading(SYSTEM) as work:
            index = self.boundaries.snapshot(work, at).index("grid")
        middles = [(WEST + (place + 0.5) * SIDE, SOUTH + SIDE / 2) for place in range(WIDTH)]
        covering = [[index.keys[k] for k in index.covering(*middle)] for middle in middles]
        lines = [WEST + line * SIDE for line in range(WIDTH + 1)]
        found = index.locate(lines, [SOUTH + SIDE / 2] * len(lines)).tolist()
        return covering, [None if k < 0 else index.keys[k] for k in found]


def answer_of(owners: Owners) -> Answer:
    """One owner in the middle of a unit; on a line both cover, and the smaller code has it."""
    sides = [
        {owners[side] for side in (line - 1, line) if 0 <= side < WIDTH} - {None}
        for line in range(WIDTH + 1)
    ]
    covering = [[] if owner is None else [owner] for owner in owners]
    return covering, [min(both, default=None) for both in sides]  # type: ignore[type-var]


@pytest.fixture
def strip(cluster: Cluster, template: str) -> Iterator[None]:
    with cloned(cluster, template) as database:
        name = database.engine.url.database or ""
        Editions.database = database
        Editions.owner = Database(cluster.url("owner", name), role=None)
        try:
            yield
        finally:
            Editions.owner.close()


def test_any_sequence_keeps_one_owner_and_every_old_answer(strip: None) -> None:
    run_state_machine_as_test(
        Editions,
        settings=settings(
            max_examples=SEQUENCES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
