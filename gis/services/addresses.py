"""Importing addresses into the gazetteer: checked against the areas, written by source and code."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

import geopandas as gpd

from gis.geometry import crs as frames
from gis.governance.actors import Actor
from gis.services import crs_check
from gis.services.address_rows import AddressColumns, AddressRows, lexicon_of
from gis.services.boundary_snapshot import BoundarySnapshot
from gis.services.import_findings import Finding
from gis.services.import_report import ImportReport
from gis.store import areas as area_store
from gis.store import gazetteer as store
from gis.store.unit_of_work import Database, UnitOfWork


def import_addresses(
    database: Database,
    actor: Actor,
    frame: gpd.GeoDataFrame,
    columns: AddressColumns,
    *,
    default_kind: str | None = None,
    name: str | None = None,
    crs: str = "WGS84",
    skip_bad: bool = False,
    force_crs: bool = False,
    source: Mapping[str, Any] | None = None,
) -> ImportReport:
    """Check a layer of addresses and write it: new ones added, known ones overwritten.

    Parameters
    ----------
    frame
        Points in the frame ``crs`` with a column ``row``; converted to WGS84 once.
    columns
        A full text, which is taken apart, or separate columns.
    default_kind
        Kind of rows that name none; without it the kind follows from the parts.
    name
        What the source is called; the file's name without it. The same source and code again
        overwrites; without a column of codes the full text is the code.
    skip_bad
        Write the good rows; the report lists the others in ``rejected_rows``.
    force_crs
        Write although the published areas say that ``crs`` is clearly wrong.

    Returns
    -------
    ImportReport
        ``outcome`` refused (nothing written), written, or unchanged. Addresses in no published
        area, or in another community than labelled, are warnings; the place decides.

    Raises
    ------
    gis.errors.ColumnMissing, gis.errors.CrsUnknown
        Nothing was written.
    """
    said = dict(source or {})
    crs = frames.normalise(crs)
    said |= {"crs": crs, "source": name or PurePath(str(said.get("file", "import"))).stem}
    found = AddressRows.gather(frame, columns, str(said.get("file", "-")))
    with database.transaction(actor) as work:
        snapshot = _snapshot(work)
        areas = [] if snapshot is None else list(snapshot.areas.values())
        found.take_apart(lexicon_of([(area.level, area.name) for area in areas]))
        found.check(with_codes=columns.code is not None, default_kind=default_kind)
        found.convert(crs)
        report = ImportReport("addresses", said, findings=found.findings)
        if not found.rows:
            found.findings.append(
                Finding("file-empty", "error", "文件中没有任何地址", "the file holds no address")
            )
        report.rejected_rows = [found.rows[i] for i, bad in enumerate(found.bad) if bad]
        report.counts = {"rows": len(found.rows), "rejected": len(report.rejected_rows)}
        crs_check.note(report, crs_check.of_stations(work, found, crs), force=force_crs)
        # what is wrong with the file as a whole cannot be skipped row by row
        whole = any(finding.row is None for finding in report.errors)
        if report.errors and (whole or not (skip_bad and found.good)):
            return report
        communities = _communities(snapshot, found, report)
        store.lock(work)
        good = found.good
        new, changed = store.put(
            work, [found.entry(i, said["source"], communities.get(i)) for i in good]
        )
        report.counts |= {
            "new": new, "changed": changed, "unchanged": len(good) - new - changed,
        }  # fmt: skip
        report.outcome = "written" if new or changed else "unchanged"
    return report


def _snapshot(work: UnitOfWork) -> BoundarySnapshot | None:
    revision = area_store.published_revision(work)
    if revision is None:
        return None
    return BoundarySnapshot(revision, area_store.of_revision(work, revision))


def _communities(
    snapshot: BoundarySnapshot | None, found: AddressRows, report: ImportReport
) -> dict[int, str | None]:
    """Return the community of each good row: as labelled, else that of its point; note doubts."""
    good = found.good
    if snapshot is None or not good:
        return {i: found.areas[i] for i in good}
    index = snapshot.index("community")
    by_name = {
        area.name: code for code, area in snapshot.areas.items() if area.level == "community"
    }
    inside = index.locate(found.lon[good], found.lat[good]).tolist() if index.keys else []
    report.counts |= {"inside": sum(p >= 0 for p in inside), "checked": len(good)}
    chosen: dict[int, str | None] = {}
    for i, position in zip(good, inside, strict=False):
        labelled = found.areas[i]
        labelled = by_name.get(labelled or "", labelled)
        there = index.keys[position] if position >= 0 else None
        chosen[i] = labelled if labelled in snapshot.areas else there
        if there is None:
            found.note(i, "outside-areas", "warning", ("不在任何社区内", "in no community"))
        elif labelled in snapshot.areas and labelled != there:
            zh, en = f"填报 {labelled}，实在 {there}", f"labelled {labelled}, but lies in {there}"
            found.note(i, "area-differs", "warning", (zh, en), labelled=labelled, lies_in=there)
    return chosen
