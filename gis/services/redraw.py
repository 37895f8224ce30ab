"""Redrawing the grids of a community 网格重划: balanced, as a draft, never in force itself.

Read is what stands, long work holds no lock; the draft is written on the revision that was read,
or everything is done again. What is proposed is counted afresh from its geometry and checked.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import numpy as np
import shapely

from gis.coverage.redraw import NEW
from gis.coverage.redraw_search import Proposal, redraw
from gis.coverage.redrawn_borders import borders
from gis.errors import OutsideScope
from gis.services.boundaries import KEPT_FINDINGS
from gis.services.editions import check_later, check_scope
from gis.services.impact import impact
from gis.services.redraw_ground import Community, RedrawRequest, check, impossible, prepared, read
from gis.services.redraw_report import Drawn, RedrawReport, reported
from gis.store import boundaries, editions
from gis.store import redraw as store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from gis.coverage.atoms import Atoms
    from gis.coverage.redraw import AtomGraph, RedrawRule
    from gis.governance.actors import Actor
    from gis.store.unit_of_work import Database, UnitOfWork

_LARGEST_NUMBER: Final = 999


def propose_redraw(
    database: Database,
    actor: Actor,
    request: RedrawRequest,
    *,
    watch: Callable[[float], bool] | None = None,
) -> RedrawReport:
    """Propose new grids for a community, as a draft; today's stay in force.

    Borders run along roads and today's borders where they can, no building is cut, every grid hangs
    together; see :mod:`gis.coverage.redraw` for what makes one proposal better than another. A grid
    keeps the code of that grid of today with which it shares the most households; others get codes
    that were never used, and codes without heir retire. Micro grids go with the grid around them;
    dedicated ones stay.

    Returns
    -------
    RedrawReport
        ``outcome`` ``drafted``, ``unchanged`` (today's grids are the best that was found) or
        ``written`` (a dry run). With ``impact`` of the draft as ``boundaries impact`` has it.

    Raises
    ------
    gis.errors.AreaUnknown, gis.errors.OutsideScope
    gis.errors.RedrawImpossible
        No community, nobody lives there, grids that do not tile it, a number of grids that does not
        fit the range, or no balanced proposal; the reason says which.
    """
    check(request)
    if not actor.covers(request.community):
        raise OutsideScope(scope=actor.area_code, code=request.community)
    while True:
        with database.reading(actor, snapshot=True) as work:
            community = read(work, request.community)
        atoms, graph, rules = prepared(community, request)
        rule, found = _searched(graph, rules, request, watch)
        drawn = _drawn(community, atoms, found)
        report = reported(community, request, (atoms, graph, rule, found), drawn)
        with database.transaction(actor) as work:
            boundaries.lock(work)
            if boundaries.latest(work)[0] != community.revision:
                continue
            if report.outcome == "written" and not request.dry_run:
                _write(work, report, community, drawn, request)
        if report.draft_id is not None:
            report.impact = impact(database, actor, report.draft_id)
        return report


def _searched(
    graph: AtomGraph,
    rules: Sequence[RedrawRule],
    request: RedrawRequest,
    watch: Callable[[float], bool] | None,
) -> tuple[RedrawRule, Proposal]:
    """Return the first number of grids with which all are in the range, or comes nearest to it."""
    tried: list[tuple[RedrawRule, Proposal]] = []
    for rule in rules:
        left = request.seconds - sum(found.seconds for _, found in tried)
        found = redraw(graph, rule, seed=request.seed, seconds=left, watch=watch)
        tried.append((rule, found))
        if not found.score.outside or found.stopped != "done":
            break
    return min(tried, key=lambda one: one[1].score.outside)


def _drawn(community: Community, atoms: Atoms, found: Proposal) -> Drawn:
    """Give every part its border, its code and its name."""
    shapes = borders(atoms, np.array(found.part))
    old = [row["code"] for row in community.grids]
    fresh = _fresh_codes(community)
    codes: list[str] = []
    names: list[str] = []
    changes: list[str] = []
    for heir, shape in zip(found.score.heirs, shapes, strict=True):
        if heir == NEW:
            code = next(fresh)
            codes.append(code)
            names.append(_name(community, code, [*names, *(r["name"] for r in community.grids)]))
            changes.append("new")
            continue
        row = community.grids[heir]
        same = shapely.equals(community.shapes[heir], shape)
        codes.append(row["code"])
        names.append(row["name"])
        changes.append("kept" if same else "changed")
    return Drawn(codes, names, shapes, changes, sorted(set(old) - set(codes)))


def _fresh_codes(community: Community) -> Iterator[str]:
    """Yield grid codes that were never given, from the one after the last general grid's."""
    used = [int(row["code"][-3:]) for row in community.grids if row["code"][-3:].isdecimal()]
    for number in range(max(used, default=0) + 1, _LARGEST_NUMBER + 1):
        code = f"{community.code}{number:03d}"
        if code not in community.taken:
            yield code
    raise impossible(
        community.code,
        f"{_LARGEST_NUMBER} 个网格编码均已用过，编码不得重用",
        f"all {_LARGEST_NUMBER} grid codes were used, and codes are never used again",
    )


def _name(community: Community, code: str, taken: Sequence[str]) -> str:
    """Return a name like those of today's grids, with the number of the code."""
    number = int(code[-3:])
    name = f"{community.name}第{number}网格"
    for row in community.grids:
        own = str(int(row["code"][-3:])) if row["code"][-3:].isdecimal() else ""
        if own and len(re.findall(rf"(?<!\d)0*{own}(?!\d)", row["name"])) == 1:
            name = re.sub(rf"(?<!\d)0*{own}(?!\d)", str(number), row["name"])
            break
    return name if name not in taken else f"{name}({code[-3:]})"


def _write(
    work: UnitOfWork,
    report: RedrawReport,
    community: Community,
    drawn: Drawn,
    request: RedrawRequest,
) -> None:
    """Write what differs as a draft: new and changed grids, micro grids that go with another."""
    figures = {row["code"]: row for row in report.proposal["after"]["grids"]}
    rows = [
        store.GridRow(
            code=code,
            parent=community.code,
            name=name,
            kind="general",
            ewkb=_ewkb(shape),
            households=figures[code]["households"],
            residents=figures[code]["residents"],
        )
        for code, name, shape, change in zip(
            drawn.codes, drawn.names, drawn.shapes, drawn.changes, strict=True
        )
        if change != "kept"
    ]
    rows += _micro(community, drawn)
    check_scope(work.actor, [row.code for row in rows] + drawn.retired)
    new = [code for code, change in zip(drawn.codes, drawn.changes, strict=True) if change == "new"]
    grids = len(drawn.codes)
    heading = request.title or (
        f"{community.name}重划为 {grids} 个网格 / redraw {community.code} into {grids} grids"
    )
    report.draft_id = boundaries.add_draft(work, title=heading, source=report.source, report={})
    report.outcome = "drafted"
    boundaries.add_areas(work, new, level="grid", code_system=community.code_system)
    store.add_grids(work, report.draft_id, rows)
    editions.add_retirements(work, report.draft_id, drawn.retired)
    check_later(work, report.draft_id)
    boundaries.keep_report(work, report.draft_id, report.to_json(limit=KEPT_FINDINGS))


def _micro(community: Community, drawn: Drawn) -> list[store.GridRow]:
    """Return the micro grids that get another parent; each lies whole in one new grid."""
    found = []
    for row in community.micro:
        shape = shapely.from_wkb(bytes(row["wkb"]))
        within = drawn.codes[
            int(np.argmax(shapely.area(shapely.intersection(drawn.shapes, shape))))
        ]
        if row["parent_code"] not in (within, community.code):
            found.append(
                store.GridRow(row["code"], within, row["name"], "micro", _ewkb(shape), None, None)
            )
    return found


def _ewkb(shape: shapely.Geometry) -> str:
    placed = shapely.set_srid(shapely.orient_polygons(shape), 4326)
    return str(shapely.to_wkb(placed, hex=True, include_srid=True))
