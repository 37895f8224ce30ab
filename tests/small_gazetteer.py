"""A small gazetteer for tests: two districts share names, streets have gaps in their numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely

from gis.matching.address import AddressIndex
from gis.matching.address_rows import DEFAULT_UNCERTAINTY_M, AreaName, Entries, RoadLines

LON, LAT = 118.30, 32.30
EAST_M, NORTH_M = 94_200.0, 110_880.0

AREAS = (
    AreaName("341100", "city", "滁州市", None, LON, LAT, 50_000.0),
    AreaName("341102", "county", "琅琊区", "341100", LON, LAT, 5_000.0),
    AreaName("341103", "county", "南谯区", "341100", LON, LAT - 0.05, 9_000.0),
    AreaName("341102001", "subdistrict", "琅琊街道", "341102", LON, LAT, 1_500.0),
    AreaName("341102002", "subdistrict", "清流街道", "341102", LON, LAT, 1_500.0),
    AreaName("341103001", "subdistrict", "银花街道", "341103", LON, LAT - 0.05, 2_000.0),
    AreaName("341102001001", "community", "北门社区", "341102001", LON, LAT, 400.0, ("老北门",)),
    AreaName("341102001002", "community", "鼓楼社区", "341102001", LON + 0.01, LAT, 400.0),
    AreaName("341102002001", "community", "清流社区", "341102002", LON, LAT + 0.01, 400.0),
    AreaName("341103001001", "community", "徐岗村", "341103001", LON, LAT - 0.05, 900.0),
)


@dataclass(frozen=True, slots=True)
class Row:
    """One entry; ``east_m``, ``north_m`` from the middle of the city."""

    kind: str
    community: str
    east_m: float
    north_m: float
    road: str | None = None
    number: str | None = None
    compound: str | None = None
    building: str | None = None
    unit: str | None = None
    name: str | None = None
    aliases: tuple[str, ...] = ()


def _numbers(road: str, community: str, numbers: Sequence[int], north_m: float) -> list[Row]:
    """Numbers along a road that runs east: odd on its north side, 10 m apart from its middle."""
    return [
        Row(
            "road_number", community, 11.0 * n, north_m + (10.0 if n % 2 else -10.0), road, f"{n}号"
        )
        for n in numbers
    ]


ROWS: tuple[Row, ...] = (
    *_numbers("琅琊路", "341102001001", (1, 2, 3, 4, 9, 10, 20, 21, 40, 41), 0.0),
    *_numbers("琅琊路", "341102001002", (60, 61, 80, 81), 0.0),
    *_numbers("会峰路", "341102002001", (2, 4, 8, 12), 900.0),
    *_numbers("会峰路", "341103001001", (2, 4, 8, 12), -5_000.0),
    Row("compound", "341102001001", 200.0, 80.0, "琅琊路", "18号", "锦绣花园", aliases=("锦绣里",)),
    *(
        Row("building", "341102001001", 200.0 + 40 * k, 80.0 + 30 * (k % 2), "琅琊路", "18号",
            "锦绣花园", f"{k}幢")
        for k in range(1, 5)
    ),
    Row("unit", "341102001001", 243.0, 112.0, "琅琊路", "18号", "锦绣花园", "1幢", "2单元"),
    Row("compound", "341103001001", 300.0, -5_050.0, "会峰路", "10号", "锦绣花园"),
    Row("building", "341103001001", 330.0, -5_060.0, "会峰路", "10号", "锦绣花园", "3幢"),
    Row("village", "341103001001", 1_500.0, -5_400.0, name="大庙"),
    *(
        Row("door", "341103001001", 1_500.0 + 20 * k, -5_400.0, number=f"{k}号", compound="大庙")
        for k in range(1, 8)
    ),
    Row("landmark", "341102001002", 700.0, 60.0, "琅琊路", "64号", name="滁州市第一人民医院",
        aliases=("一院",)),
    Row("station", "341102002001", 50.0, 950.0, name="清流街道政务服务驿站"),
)  # fmt: skip


def lonlat(east_m: float, north_m: float) -> tuple[float, float]:
    """Return degrees of metres from the middle of the small city."""
    return LON + east_m / EAST_M, LAT + north_m / NORTH_M


def entries(rows: Sequence[Row] = ROWS) -> Entries:
    """Return rows as columns."""
    places = np.array([lonlat(row.east_m, row.north_m) for row in rows]).reshape(-1, 2)
    return Entries(
        id=[ROWS.index(row) + 1 for row in rows],
        kind=[row.kind for row in rows],
        name=[row.name for row in rows],
        road=[row.road for row in rows],
        house_number=[row.number for row in rows],
        compound=[row.compound for row in rows],
        building=[row.building for row in rows],
        unit=[row.unit for row in rows],
        aliases=[row.aliases for row in rows],
        lon=places[:, 0].copy(),
        lat=places[:, 1].copy(),
        uncertainty_m=np.array([DEFAULT_UNCERTAINTY_M[row.kind] for row in rows]),
        community=[row.community for row in rows],
        stated=[row.community for row in rows],
    )


def roads() -> RoadLines:
    """Return the roads' edges; 琅琊路 in two pieces, crossed by 清流路."""

    def line(*ends: tuple[float, float]) -> shapely.LineString:
        return shapely.LineString([lonlat(*end) for end in ends])

    lines = [
        line((0, 0), (450, 0)),
        line((450, 0), (900, 0)),
        line((0, 900), (200, 900)),
        line((0, -5_000), (200, -5_000)),
        line((450, -300), (450, 600)),
    ]
    column = np.empty(len(lines), dtype=object)
    column[:] = lines
    return RoadLines(["琅琊路", "琅琊路", "会峰路", "会峰路", "清流路"], column)


def index(rows: Sequence[Row] = ROWS) -> AddressIndex:
    """Return the index of the small city."""
    return AddressIndex.build(AREAS, entries(rows), roads())
