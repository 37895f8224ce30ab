"""Zoom bands: what they are built from, what is there, what is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import shapely
import sqlalchemy as sa

from gis.store.bulk import as_json, copy_rows
from gis.store.layer_sources import SOURCES
from gis.store.tables import layer_editions, layer_features, layer_shapes
from gis.store.unit_of_work import UnitOfWork

_LOCK: Final = sa.text("select pg_advisory_xact_lock(hashtext('gridward layer bands'))")


def lock(work: UnitOfWork) -> None:
    """Wait until nobody else builds bands."""
    work.execute(_LOCK)


def built_for(work: UnitOfWork, layer: str) -> int | None:
    """Return the revision that a layer's bands show, None without any."""
    found = work.scalar(
        sa.select(layer_editions.c.revision)
        .where(layer_editions.c.layer == layer)
        .order_by(layer_editions.c.id.desc())
        .limit(1)
    )
    return None if found is None else int(found)


def shapes_to_build(
    work: UnitOfWork, layer: str, revision: int
) -> tuple[list[int], list[shapely.Geometry]]:
    """Return the version ids and lon/lat geometries of a boundary layer, by id."""
    query = sa.text(
        f"select version_id, ST_AsBinary(geom) as wkb from ({SOURCES[layer]}) as layer "  # noqa: S608 - our own texts
        "order by version_id"
    )
    rows = work.rows(query, revision=revision)
    shapes = shapely.from_wkb([bytes(row["wkb"]) for row in rows])
    return [int(row["version_id"]) for row in rows], list(shapes)


def replace(
    work: UnitOfWork,
    layer: str,
    band: int,
    *,
    ids: Sequence[int],
    drawn: Any,  # noqa: ANN401 - an array of geometries
    labels: Any,  # noqa: ANN401
) -> np.ndarray:
    """Bring a band to what is given; return the boxes (3857) of all that differs, old and new."""
    old = work.rows(
        sa.select(
            layer_shapes.c.version_id,
            sa.func.ST_AsBinary(layer_shapes.c.geometry).label("wkb"),
        ).where(layer_shapes.c.layer == layer, layer_shapes.c.band == band)
    )
    before = {int(row["version_id"]): bytes(row["wkb"]) for row in old}
    wkb = shapely.to_wkb(drawn, byte_order=1, output_dimension=2)
    fresh = [at for at, one in enumerate(ids) if before.get(one) != wkb[at]]
    new_ids = {ids[at] for at in fresh}
    wanted = set(ids)
    gone = [one for one in before if one in new_ids or one not in wanted]
    if gone:
        work.execute(
            sa.delete(layer_shapes).where(
                layer_shapes.c.layer == layer,
                layer_shapes.c.band == band,
                layer_shapes.c.version_id == sa.func.any(sa.literal(gone, sa.ARRAY(sa.BigInteger))),
            )
        )
    with_frame = shapely.to_wkb(shapely.set_srid(drawn, 3857), hex=True, include_srid=True)
    points = shapely.to_wkb(shapely.set_srid(labels, 3857), hex=True, include_srid=True)
    copy_rows(
        work,
        "layer_shapes",
        ("layer", "band", "version_id", "geometry", "label"),
        ((layer, band, ids[at], with_frame[at], points[at]) for at in fresh),
    )
    touched = [shapely.bounds(drawn[at]) for at in fresh]
    touched += [shapely.bounds(shapely.from_wkb(before[one])) for one in gone]
    return np.array(touched, dtype=float).reshape(-1, 4)


def add_edition(
    work: UnitOfWork, layer: str, revision: int, changed: Sequence[float], inputs: str = ""
) -> None:
    """Note that a layer was built, and where it differs from before."""
    work.execute(
        sa.insert(layer_editions).values(
            layer=layer, revision=revision, inputs=inputs, changed=list(changed)
        )
    )


def inputs_of(work: UnitOfWork, layer: str) -> str | None:
    """Return what a layer was last built from, None when it never was."""
    found = work.scalar(
        sa.select(layer_editions.c.inputs)
        .where(layer_editions.c.layer == layer)
        .order_by(layer_editions.c.id.desc())
        .limit(1)
    )
    return None if found is None else str(found)


def replace_features(
    work: UnitOfWork,
    layer: str,
    revision: int,
    features: Sequence[tuple[str, str, Mapping[str, Any], shapely.Geometry]],
) -> None:
    """Put computed features in place of a layer's: code, area, attributes, lon/lat geometry."""
    work.execute(sa.delete(layer_features).where(layer_features.c.layer == layer))
    copy_rows(
        work,
        "layer_features",
        ("layer", "code", "area_code", "revision", "attributes", "geometry"),
        (
            (layer, code, area, revision, as_json(attributes),
             shapely.to_wkb(shapely.set_srid(shape, 4326), hex=True, include_srid=True))
            for code, area, attributes, shape in features
        ),
    )  # fmt: skip
