"""The ground of a redraw 网格重划: a community read, checked and cut into atoms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import shapely

from gis.coverage.atoms import Atoms, Ground, cut, holders
from gis.coverage.redraw import AtomGraph, IntArray, RedrawRule, derived_number, fitting_numbers
from gis.errors import AreaUnknown, RedrawImpossible
from gis.geometry.frames import EqualAreaFrame
from gis.services.redraw_report import located
from gis.store import boundaries
from gis.store import redraw as store
from gis.store.planning import stamps

if TYPE_CHECKING:
    from gis.geometry.frames import Geometries
    from gis.store.unit_of_work import UnitOfWork

STANDARD_SECONDS: Final = 60.0
MOST_SECONDS: Final = 600.0
MOST_GRIDS: Final = 100
MOST_HOUSEHOLDS: Final = 100_000
_NUMBERS_TRIED: Final = 3
_ATOMS_PER_GRID: Final = 6
"""A block with more than this part of a grid's least households is cut further."""


@dataclass(frozen=True, slots=True)
class RedrawRequest:
    """How to redraw the grids of a community.

    ``grids``: how many; by default as many as today, or the nearest number with which each gets
    ``low`` to ``high`` households. ``keep`` weighs households that would get another
    grid (0: they do not count). ``seconds`` is the most that the search takes.
    """

    community: str
    grids: int | None = None
    low: int = 300
    high: int = 500
    keep: float = 1.0
    seed: int = 0
    seconds: float = STANDARD_SECONDS
    title: str | None = None
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Community:
    """A community as it stands: its general grids, micro grids in them, buildings, roads.

    ``shapes`` are those of the general grids, or the community's own where it has none yet;
    ``taken`` are all codes below it that were ever in force, ``data`` says when which table of the
    city changed last.
    """

    revision: int
    code: str
    name: str
    code_system: str
    grids: list[dict[str, Any]]
    micro: list[dict[str, Any]]
    shapes: Geometries
    taken: set[str]
    buildings: store.Buildings
    roads: Geometries
    data: dict[str, str]

    @property
    def codes(self) -> list[str]:
        """Return the codes of ``shapes``."""
        return [row["code"] for row in self.grids] or [self.code]


def check(request: RedrawRequest) -> None:
    """Refuse what no community could be redrawn to (:class:`gis.errors.RedrawImpossible`)."""
    if not 0 < request.low <= request.high <= MOST_HOUSEHOLDS:
        raise impossible(
            request.community,
            f"户数范围 {request.low}-{request.high} 无效，应为 1 至 {MOST_HOUSEHOLDS}、先小后大",
            f"{request.low}-{request.high} is no range of households: 1 to {MOST_HOUSEHOLDS}, "
            "the smaller first",
        )
    if request.grids is not None and not 1 <= request.grids <= MOST_GRIDS:
        raise impossible(
            request.community,
            f"网格数 {request.grids} 无效，应为 1 至 {MOST_GRIDS}",
            f"{request.grids} is no number of grids: 1 to {MOST_GRIDS}",
        )


def impossible(area: str, zh: str, en: str) -> RedrawImpossible:
    """Return the refusal of a redraw, with its reason in both languages."""
    return RedrawImpossible(area=area, reason_zh=zh, reason_en=en)


def read(work: UnitOfWork, code: str) -> Community:
    """Return a community as it stands; see :func:`gis.services.redraw.propose_redraw`."""
    revision, _ = boundaries.latest(work)
    own = store.area(work, code)
    if own is None:
        raise AreaUnknown(code=code)
    if own["level"] != "community":
        raise impossible(
            code,
            "这不是社区（村），只有社区内的网格可以重划",
            "this is no community: grids are redrawn within one",
        )
    below = store.grids_of(work, [code])
    grids = [dict(row) for row in below if row["kind"] not in ("dedicated", "micro")]
    around = [code, *(row["code"] for row in grids)]
    micro = [dict(row) for row in store.grids_of(work, around) if row["kind"] == "micro"]
    ground: list[dict[str, Any]] = grids or [dict(own)]
    shapes = np.array([shapely.from_wkb(bytes(row["wkb"])) for row in ground], dtype=object)
    _check_tiling(code, shapes, shapely.from_wkb(bytes(own["wkb"])))
    west, south, east, north = shapely.total_bounds(shapes).tolist()
    box = (west, south, east, north)
    return Community(
        revision=revision,
        code=code,
        name=str(own["name"]),
        code_system=str(ground[0]["code_system"]),
        grids=grids,
        micro=micro,
        shapes=shapes,
        taken=store.used_codes(work, code),
        buildings=store.buildings_in(work, box),
        roads=store.roads_in(work, box),
        data={
            subject: stamp.changed_at.isoformat(timespec="seconds")
            for subject, stamp in stamps(work).items()
            if subject in ("buildings", "roads")
        },
    )


def _check_tiling(code: str, shapes: Geometries, outline: shapely.Geometry) -> None:
    """Refuse grids that do not tile their community edge by edge: mending comes first."""
    frame = EqualAreaFrame.around(shapes)
    sound = bool(shapely.is_valid(shapes).all() and shapely.coverage_is_valid(shapes))
    if sound:
        beside = shapely.symmetric_difference(shapely.coverage_union_all(shapes), outline)
        sound = float(frame.area_m2(np.array([beside], dtype=object))[0]) <= 1.0
    if not sound:
        raise impossible(
            code,
            f"现有网格没有严丝合缝地铺满社区；请先运行 gridward check grids --area {code} "
            f"和 gridward repair grids --area {code}",
            f"today's grids do not tile the community edge by edge; run gridward check grids "
            f"--area {code} and gridward repair grids --area {code} first",
        )


def prepared(
    community: Community, request: RedrawRequest
) -> tuple[Atoms, AtomGraph, list[RedrawRule]]:
    """Cut the ground into atoms; settle how many grids there should be, the best number first."""
    of = located(community.codes, community.shapes, community.buildings)
    inside = of >= 0
    households = np.where(inside, community.buildings.households, 0)
    whole = int(households.sum())
    if not whole:
        raise impossible(
            community.code,
            "社区内没有登记有户数的楼栋；请先导入楼栋（gridward import buildings）",
            "no building with households is known in it: import buildings first",
        )
    numbers = _numbers(community, request, whole)
    micro = [shapely.from_wkb(bytes(row["wkb"])) for row in community.micro]
    footprints = [shape for shape in community.buildings.footprints if shape is not None]
    keeps = np.empty(len(footprints) + len(micro), dtype=object)
    keeps[:] = [*footprints, *micro]
    ground = Ground(
        grids=community.shapes,
        roads=community.roads,
        whole=keeps,
        places=community.buildings.places[inside],
        households=households[inside],
    )
    atoms = cut(ground, most_households=max(1, request.low // _ATOMS_PER_GRID))
    graph = _graph(community, atoms, of, households)
    rules = [
        RedrawRule(number, request.low, request.high, keep=request.keep)
        for number in numbers
        if number <= len(graph)
    ]
    if not rules:
        raise impossible(
            community.code,
            f"不切断楼栋只能分成 {len(graph)} 块，划不出 {numbers[0]} 个网格",
            f"without cutting a building it falls into {len(graph)} blocks only, too few for "
            f"{numbers[0]} grids",
        )
    return atoms, graph, rules


def _numbers(community: Community, request: RedrawRequest, whole: int) -> list[int]:
    """Return the number of grids asked for; without one, those that fit, the best first."""
    low, high = request.low, request.high
    today = max(1, len(community.grids))
    number = request.grids or derived_number(whole, low, high, today)
    fits = fitting_numbers(whole, low, high)
    if number is not None and number in fits:
        others = [] if request.grids else sorted(fits, key=lambda n: (abs(n - number), n))
        return [number, *others[1:_NUMBERS_TRIED]]
    zh = f"共 {whole} 户，" + (
        "" if number is None else f"{number} 个网格平均各 {whole / number:.0f} 户，"
    )
    en = f"it has {whole} households" + (
        "" if number is None else f", {whole / number:.0f} for each of {number} grids"
    )
    if fits:
        which = f"{fits[0]}" if len(fits) == 1 else f"{fits[0]}-{fits[-1]}"
        zh += f"不在 {low}-{high} 之内；可用网格数：{which}"
        en += f", which is not within {low}-{high}; numbers that fit: {which}"
    else:
        zh += f"没有哪个网格数能使每格 {low}-{high} 户；请放宽户数范围"
        en += f": no number of grids gives each {low}-{high}; allow a wider range"
    raise impossible(community.code, zh, en)


def _graph(community: Community, atoms: Atoms, of: IntArray, households: IntArray) -> AtomGraph:
    """Return the atoms as a graph, with the households of each by today's grid."""
    places = np.asarray(shapely.points(community.buildings.places), dtype=object)
    face = holders(atoms.faces, places)
    there = (of >= 0) & (face >= 0)
    grids = max(1, len(community.grids))
    by_old = np.zeros((len(atoms), grids), dtype=np.int64)
    np.add.at(by_old, (atoms.atom[face[there]], of[there]), households[there])
    ground = np.zeros((len(atoms), grids))
    np.add.at(ground, (atoms.atom, atoms.old), atoms.area_m2)
    return AtomGraph(
        households=by_old.sum(axis=1),
        by_old=by_old if community.grids else by_old[:, :0],
        old=np.argmax(ground, axis=1).astype(np.int64),
        edges=atoms.edges,
        length_m=atoms.length_m,
        along_m=atoms.along_m,
        is_rim=atoms.is_rim,
        holes=atoms.holes,
        area_m2=float(atoms.area_m2.sum()),
    )
