"""Importing and publishing boundaries: a file becomes a draft, a draft becomes the revision.

A draft holds only what differs from the published boundaries. Areas of the level that a file does
not mention stay as they are: an import retires only the codes that are named.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import geopandas as gpd
import shapely
import sqlalchemy as sa

from gis.geometry import crs as frames
from gis.geometry.crs_evidence import KnownPlaces
from gis.governance.actors import Actor
from gis.governance.areas import LEVELS, NATIONAL
from gis.services import crs_check
from gis.services.area_rows import (
    AreaRows,
    check_columns,
    check_shapes,
    check_tiling,
    convert,
    gather,
)
from gis.services.columns import column_text
from gis.services.editions import check_later, check_retirements, check_scope, publish_within
from gis.services.editions import publish_draft as publish_draft  # noqa: PLC0414 - the other half
from gis.services.import_findings import Finding
from gis.services.import_report import ImportReport
from gis.store import boundaries as store
from gis.store import editions
from gis.store.unit_of_work import Database, UnitOfWork

SAME_DEG: Final = 1e-9
"""Boundaries whose vertices differ by less (0.1 mm) are the same: conversions round."""

KEPT_FINDINGS: Final = 200
"""Findings of each kind that the database keeps with the revision; files get all of them."""

STEPS: Final = ("columns", "coordinates", "shapes", "tiling", "writing")
Step = Callable[[str], None]
"""Told the name of each step of :data:`STEPS` as it begins."""


def import_areas(
    database: Database,
    actor: Actor,
    frame: gpd.GeoDataFrame,
    *,
    level: str,
    code: str,
    name: str,
    parent: str | None = None,
    kind: str | None = None,
    crs: str = "WGS84",
    code_system: str | None = None,
    retire: Sequence[str] = (),
    valid_from: datetime | None = None,
    publish: bool = False,
    skip_bad: bool = False,
    mend: bool = False,
    strict: bool = False,
    title: str | None = None,
    source: Mapping[str, Any] | None = None,
    known: KnownPlaces | None = None,
    force_crs: bool = False,
    step: Step | None = None,
) -> ImportReport:
    """Check a layer of areas and write it as a draft, or publish it at once: whole or not at all.

    Parameters
    ----------
    frame
        Polygons in the frame ``crs`` (whatever the frame itself declares), with a column ``row``
        for reports. Converted to WGS84 once; its other columns become attributes.
    level, code, name, parent, kind
        The level, and the columns of the file. Without ``parent`` a national code tells it, and
        areas that stand keep theirs; without ``kind`` they keep that, too.
    code_system
        ``gb`` or the name of another national list: codes must keep the rules of the level.
        ``local``: any code that is unique. Without one, that of the areas that stand by these
        codes (``gb`` where none does, or where they disagree).
    retire
        Codes of standing areas that retire when the draft is published.
    valid_from
        From when the new boundaries are in force (aware); the moment of publication without it.
    skip_bad
        Write the good rows; the report lists the others in ``rejected_rows``.
    mend
        Write mended shapes in place of invalid ones, each reported with its change of area.
    strict
        Gaps, overlaps and thin areas refuse the file; otherwise they are warnings.
    source
        What came in: ``file``, ``sha256`` and the like; kept with the revision.
    known
        Places in WGS84 and the areas they belong to: what the coordinate system is tested by,
        beside the stations, addresses and outlines of the database.
    force_crs
        Write although the known places say that ``crs`` is clearly wrong.

    Returns
    -------
    ImportReport
        ``outcome`` refused (nothing written), drafted, published, unchanged (the file says
        what is stored already) or waiting (a draft of the same file is there already).

    Raises
    ------
    gis.errors.ColumnMissing, gis.errors.CrsUnknown, gis.errors.OutsideScope,
    gis.errors.RetirementInvalid, and with ``publish`` what
    :func:`gis.services.editions.publish_within` raises
        Nothing was written.
    ValueError
        The level does not exist, or ``valid_from`` is naive.

    Notes
    -----
    Takes the advisory lock of boundaries while it compares and writes, so that drafts and
    publications of several people come one after the other.
    """
    if level not in LEVELS:
        message = f"{level!r} is not a level"
        raise ValueError(message)
    began = step or _silent
    said = dict(source or {})
    file = str(said.get("file", "-"))
    began("columns")
    crs = frames.normalise(crs)
    said |= {"crs": crs, "level": level, "code_column": code, "mend": mend, "skip_bad": skip_bad}
    leaving = sorted(set(retire))
    said["retire"] = " ".join(leaving)  # as one text: a longer list would contain a shorter one
    rows = gather(
        frame,
        file,
        level=level,
        code=code,
        name=name,
        parent=parent,
        kind=kind,
        code_system=code_system or _system_of(database, actor, column_text(frame, code, file)),
    )
    check_columns(rows)
    began("coordinates")
    delivered = rows.shapes.copy()
    convert(rows, crs)
    began("shapes")
    check_shapes(rows, mend=mend)
    began("tiling")
    check_tiling(rows, strict=strict)
    if not len(rows):
        reason = "文件中没有任何区域", "the file holds no area"
        rows.findings.append(Finding("file-empty", "error", *reason))
    began("writing")
    report = ImportReport("areas", said, level=level, findings=rows.findings)
    with database.transaction(actor) as work:
        store.lock(work)
        check_scope(actor, [rows.codes[i] for i in rows.good])
        _inherit(work, rows, parents=parent is None, kinds=kind is None)
        _check_registered(work, rows)
        evidence = crs_check.of_areas(work, rows, delivered, crs, known)
        crs_check.note(report, evidence, force=force_crs)
        if _is_refused(rows, skip_bad=skip_bad):
            report.counts = _counts(rows, new=0, changed=0, unchanged=0)
            report.rejected_rows = [rows.rows[i] for i, bad in enumerate(rows.bad) if bad]
            return report
        check_retirements(work, leaving, drafted=[rows.codes[i] for i in rows.good])
        heading = title or f"{file} ({level})"
        _write(work, rows, report, title=heading, publish=publish, retire=leaving)
        if report.outcome == "drafted" and publish and report.draft_id is not None:
            report.revision = publish_within(work, report.draft_id, valid_from)
            report.outcome = "published"
        if report.outcome == "drafted" and report.draft_id is not None:
            check_later(work, report.draft_id)
        if report.draft_id is not None and report.outcome != "waiting":
            store.keep_report(work, report.draft_id, report.to_json(limit=KEPT_FINDINGS))
    return report


def _system_of(database: Database, actor: Actor, codes: Sequence[str | None]) -> str:
    """Return the code system of the areas known by these codes: a redraw need not repeat it."""
    with database.reading(actor) as work:
        known = store.registered(work, [code for code in codes if code])
    systems = {row["code_system"] for row in known.values()}
    return systems.pop() if len(systems) == 1 else NATIONAL


def _silent(_step: str) -> None:
    """Tell nobody."""


def _is_refused(rows: AreaRows, *, skip_bad: bool) -> bool:
    errors = [finding for finding in rows.findings if finding.severity == "error"]
    if not errors:
        return False
    # What is wrong with the layer as a whole cannot be skipped row by row.
    return not skip_bad or not rows.good or any(finding.row is None for finding in errors)


def _inherit(work: UnitOfWork, rows: AreaRows, *, parents: bool, kinds: bool) -> None:
    """Let areas that stand keep the parent and kind that a file says nothing about."""
    there = store.standing(work, [rows.codes[i] for i in rows.good])
    for i in rows.good:
        stored = there.get(rows.codes[i])
        if stored is None or stored["level"] != rows.level:
            continue
        if kinds:
            rows.kinds[i] = stored["kind"]
        if parents and rows.parents[i] is None:
            rows.parents[i] = stored["parent_code"]


def _check_registered(work: UnitOfWork, rows: AreaRows) -> None:
    """Refuse codes that name something else already; warn of parents nobody knows."""
    good = rows.good
    known = store.registered(work, [rows.codes[i] for i in good])
    for i in good:
        there = known.get(rows.codes[i])
        if there is None:
            continue
        if there["retired_at"] is not None:
            rows.refuse(i, "code-taken", ("编码已停用", "the code is retired"))
        elif there["level"] != rows.level or there["code_system"] != rows.code_system:
            zh = f"编码已用于 {there['level']}（编码体系 {there['code_system']}）"
            en = f"the code names a {there['level']} of the code system {there['code_system']}"
            rows.refuse(i, "code-taken", (zh, en))
    children: dict[str, list[int]] = {}
    for i in rows.good:
        if (above := rows.parents[i]) is not None:
            children.setdefault(above, []).append(i)
    for above in sorted(set(children) - set(store.registered(work, list(children)))):
        count = len(children[above])
        zh, en = f"上级 {above} 不存在（{count} 行）", f"no area {above} is known ({count} rows)"
        rows.warn(children[above][0], "parent-unknown", (zh, en), facts={"rows": count})


def _write(
    work: UnitOfWork,
    rows: AreaRows,
    report: ImportReport,
    *,
    title: str,
    publish: bool,
    retire: Sequence[str],
) -> None:
    """Write what differs from the published boundaries as a draft."""
    good = rows.good
    there = store.standing(work, [rows.codes[i] for i in good])
    new = [i for i in good if rows.codes[i] not in there]
    changed = [
        i for i in good if rows.codes[i] in there and not _is_same(rows, i, there[rows.codes[i]])
    ]
    kept = len(good) - len(new) - len(changed)
    report.counts = _counts(rows, new=len(new), changed=len(changed), unchanged=kept)
    report.rejected_rows = [rows.rows[i] for i, bad in enumerate(rows.bad) if bad]
    if not new and not changed and not retire:
        report.outcome = "unchanged"
        return
    differing = sorted(new + changed)
    waiting = store.open_drafts(work, report.source) if "sha256" in report.source else []
    if waiting and waiting[-1][1] and not publish:
        report.draft_id, report.outcome = waiting[-1][0], "waiting"
        return
    for draft_id, _ in waiting:
        # what is published at once needs no draft besides; one of an older revision is redone
        store.discard(work, draft_id)
        editions.drop_retirements(work, draft_id)
    report.draft_id = store.add_draft(work, title=title, source=report.source, report={})
    codes = [rows.codes[i] for i in differing]
    store.add_areas(work, codes, level=rows.level, code_system=rows.code_system)
    store.copy_versions(work, report.draft_id, (_drafted(rows, i) for i in differing))
    store.keep_categories(work, report.draft_id)
    editions.add_retirements(work, report.draft_id, retire)
    report.outcome = "drafted"


def _counts(rows: AreaRows, *, new: int, changed: int, unchanged: int) -> dict[str, int]:
    return {
        "rows": len(rows),
        "new": new,
        "changed": changed,
        "unchanged": unchanged,
        "rejected": sum(rows.bad),
    }


def _is_same(rows: AreaRows, i: int, stored: sa.RowMapping) -> bool:
    told = (rows.names[i], rows.parents[i], rows.kinds[i])
    if told != (stored["name"], stored["parent_code"], stored["kind"]):
        return False
    before = shapely.normalize(shapely.from_wkb(bytes(stored["wkb"])))
    return bool(shapely.equals_exact(before, shapely.normalize(rows.shapes[i]), SAME_DEG))


def _drafted(rows: AreaRows, i: int) -> store.AreaRow:
    placed = shapely.set_srid(rows.shapes[i], 4326)
    return store.AreaRow(
        code=rows.codes[i],
        level=rows.level,
        parent_code=rows.parents[i],
        name=rows.names[i] or "",
        kind=rows.kinds[i],
        ewkb=str(shapely.to_wkb(placed, hex=True, include_srid=True)),
        attributes=rows.attributes[i],
    )
