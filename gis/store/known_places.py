"""Places whose area is known: what a new layer's coordinate system is tested against."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from gis.store.unit_of_work import UnitOfWork

_MOST: Final = 20_000
_CODES: Final = sa.bindparam("codes", type_=ARRAY(sa.Text))

# Codes nest by prefix, so a station of a community is a witness for its county, too. Addresses are
# many and near each other: a share of them that does not depend on the order of rows is enough.
_LABELLED: Final = sa.text(
    "with wanted as (select distinct unnest(cast(:codes as text[])) as code), "
    "lengths as (select distinct length(code) as n from wanted), "
    "places as ("
    "select area_code, geometry from stations where area_code is not null and closed_at is null "
    "union all ("
    "select community_code, geometry from gazetteer_entries where community_code is not null "
    "order by hashint8(id), id limit :most) "
    "union all "
    "select area_code, ST_PointOnSurface(geometry) from area_versions "
    "where area_code = any(:codes) and valid is not null and retired_revision is null) "
    "select distinct area_code, ST_X(geometry) as lon, ST_Y(geometry) as lat from places, lengths "
    "where left(area_code, n) in (select code from wanted) limit :most"
).bindparams(_CODES)
_SHAPES: Final = sa.text(
    "select area_code as code, ST_AsBinary(geometry) as wkb from area_versions "
    "where area_code = any(:codes) and valid is not null and retired_revision is null"
).bindparams(_CODES)


def labelled(work: UnitOfWork, codes: Sequence[str]) -> list[sa.RowMapping]:
    """Return places (area_code, lon, lat) that belong to, or below, areas of the codes.

    Open stations, a share of the gazetteer, and a point in the published shape of each code.
    """
    return work.rows(_LABELLED, codes=list(codes), most=_MOST)


def shapes(work: UnitOfWork, codes: Sequence[str]) -> list[sa.RowMapping]:
    """Return code and WKB of the published areas among the codes."""
    return work.rows(_SHAPES, codes=list(codes)) if codes else []
