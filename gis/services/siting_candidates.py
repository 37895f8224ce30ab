"""Where a station may come, in the order that ties follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import shapely

from gis.coverage.spread import evenly
from gis.errors import SitingInvalid
from gis.store import city

if TYPE_CHECKING:
    from gis.services.city_reading import CityReading, Parts
    from gis.services.siting_question import OwnCandidate, SitingQuestion

FloatArray = npt.NDArray[np.float64]

_DIGITS: Final = 7  # of a degree: a centimetre; the sites of the answer are those that were counted


@dataclass(frozen=True, slots=True)
class Candidates:
    """Places in the order that ties follow: centres by code, buildings, plots, own, present ones.

    ``available`` says how many there were before thinning; ``cost`` is 1 where none was given.
    """

    positions: FloatArray
    codes: list[str]
    names: list[str]
    kinds: list[str]
    cost: FloatArray
    most: int
    available: dict[str, int]

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.codes)

    def positions_of(self, codes: Sequence[str], what: str) -> list[int]:
        """Return where some codes stand.

        Raises
        ------
        gis.errors.SitingInvalid
            A code that is none of the candidates.
        """
        place = {code: number for number, code in enumerate(self.codes)}
        for code in codes:
            if code not in place:
                raise SitingInvalid(what=what, value=code, fit="a code of candidates.codes")
        return [place[code] for code in codes]

    def facts(self) -> dict[str, Any]:
        """Return what was compared, as an answer says it."""
        return {
            "used": len(self),
            "most": self.most,
            "centres": self.kinds.count("centre"),
            "buildings": sum(code.startswith("building:") for code in self.codes),
            "plots": self.kinds.count("plot"),
            "own": sum(code.startswith("own:") for code in self.codes),
            "buildings_in_area": self.available.get("buildings", 0),
            "codes": self.codes,
        }


def candidates_of(
    reading: CityReading,
    parts: Parts,
    centres: FloatArray,
    question: SitingQuestion,
    *,
    present: Sequence[tuple[str, str, float, float]],
    most: int,
) -> Candidates:
    """Return the candidates of a question, at most ``most`` (own and present ones on top).

    Parameters
    ----------
    centres
        People-weighted centre of each area of the parts.
    present
        Code, name, lon, lat of stations that may move: where they stand is a candidate.
    """
    rows: list[tuple[str, str, str, float, float, float]] = []
    available: dict[str, int] = {}
    source = question.candidates
    if source in {"standard", "communities"}:
        chosen = evenly(centres, most)
        for number in chosen:
            area = parts.areas[number]
            lon, lat = centres[number]
            code, name = reading.areas.codes[area], reading.areas.names[area]
            rows.append((f"area:{code}", name, "centre", lon, lat, 1.0))
        available["centres"] = len(centres)
    if source in {"standard", "buildings"}:
        premises = reading.memory.keep(
            "premises", reading.basis.key("buildings"), lambda: city.premises(reading.work)
        )
        inside = np.flatnonzero(shapely.intersects_xy(parts.scope_outline, *premises.positions.T))
        for number in inside[evenly(premises.positions[inside], most - len(rows))]:
            lon, lat = premises.positions[number]
            kind = premises.kinds[number]
            code = f"building:{premises.ids[number]}"
            rows.append((code, premises.names[number], kind, lon, lat, 1.0))
        available["buildings"] = len(inside)
    if source == "plots":
        for number, (lon, lat) in enumerate(_plots(parts, most), start=1):
            rows.append((f"plot:{number}", f"{lon:.5f}, {lat:.5f}", "plot", lon, lat, 1.0))
    rows += _own(question.own)
    rows += [
        (f"station:{code}", name, "station", lon, lat, 1.0) for code, name, lon, lat in present
    ]
    codes, names, kinds, lon, lat, cost = zip(*rows, strict=True) if rows else ((),) * 6
    return Candidates(
        positions=np.column_stack([np.array(lon), np.array(lat)]).reshape(-1, 2).round(_DIGITS),
        codes=list(codes),
        names=list(names),
        kinds=list(kinds),
        cost=np.array(cost, dtype=np.float64),
        most=most,
        available=available,
    )


def _own(own: Sequence[OwnCandidate]) -> list[tuple[str, str, str, float, float, float]]:
    seen: set[str] = set()
    rows = []
    for place in own:
        if place.code in seen:
            raise SitingInvalid(what="own.code", value=place.code, fit="each code once")
        if not (abs(place.lon) <= 180.0 and abs(place.lat) <= 90.0):
            fit = "lon, lat in degrees (WGS84)"
            raise SitingInvalid(what="own", value=f"{place.lon}, {place.lat}", fit=fit)
        seen.add(place.code)
        cost = 1.0 if place.cost is None else float(place.cost)
        if not (np.isfinite(cost) and cost >= 0.0):
            raise SitingInvalid(what="own.cost", value=str(place.cost), fit=">= 0")
        rows.append(
            (f"own:{place.code}", place.name or place.code, "own", place.lon, place.lat, cost)
        )
    return rows


def _plots(parts: Parts, most: int) -> FloatArray:
    """Return points on a square grid over the ground, at most ``most``."""
    ground = parts.frame.to_plane(np.array([parts.scope_outline], dtype=object))[0]
    west, south, east, north = shapely.bounds(ground)
    step = max(float(np.sqrt(shapely.area(ground) / max(most, 1))), 50.0)
    while True:
        x, y = np.meshgrid(
            np.arange(west + step / 2.0, east, step), np.arange(south + step / 2.0, north, step)
        )
        inside = shapely.intersects_xy(ground, x.ravel(), y.ravel())
        if inside.sum() <= most:
            break
        step *= 1.02
    points = np.asarray(shapely.points(x.ravel()[inside], y.ravel()[inside]), dtype=object)
    if not len(points):
        return np.asarray(
            shapely.get_coordinates(shapely.point_on_surface(parts.scope_outline)),
            dtype=np.float64,
        )
    return np.asarray(shapely.get_coordinates(parts.frame.to_lon_lat(points)), dtype=np.float64)
