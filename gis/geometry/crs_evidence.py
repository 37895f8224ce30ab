"""Which coordinate system do these numbers stand in? Found out by places that are known.

A layer says what it is in, and may be wrong: GeoJSON has no word for GCJ-02. What does not lie is
where known places fall. For each system that the numbers could be in, the known places are carried
into it (far fewer points than the layer has vertices) and counted: how many lie in the area they
are known to belong to; without labels, how many lie in any area; and how far the outline of the
parent runs from the outline of the layer.

How sure
--------
Each system is a classifier of the known places. With the error rate ``e`` of the best one (its
misses, plus one half, of all plus one) and ``K`` areas, a place in its own area has likelihood
``1 - e``, any other ``e / (K - 1)``; the margin is the difference of the log-likelihoods, in nats.
A place within :data:`NEAR_M` of its area is no miss: lines are drawn no better. Places that speak
for the declared system and against the best one mean that misses come in clusters, which the model
does not know: then the margin is at most McNemar's ``(b - c)^2 / 2 (b + c)``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry import LineString
from shapely.geometry.base import BaseGeometry

from gis.geometry import crs
from gis.geometry.crs_candidates import Candidate, is_metric, plausible
from gis.geometry.frames import Geometries
from gis.geometry.gcj02 import Floats

Bools = npt.NDArray[np.bool_]
Verdict = Literal["unknown", "fits", "doubtful", "loses"]

NEAR_M: Final = 20.0
"""A known place so near to its area counts as in it when systems are compared."""
CLEAR: Final = 6.9
"""Nats (odds of 1,000 to 1) from which the declared system clearly loses."""
LIKELY: Final = 2.3
"""Nats (odds of 10 to 1) from which another system is worth a warning."""
FEWEST: Final = 2
"""So many places at least must speak against the declared system."""
OUTLINE_FITS_M: Final = 60.0
"""An outline whose median distance is larger proves no system right."""
OUTLINE_RATIO: Final = 4.0
"""The declared system clearly loses where its outline is so many times farther away."""

_DEGREE_M: Final = 111_320.0
_SAMPLES: Final = 2000


@dataclass(frozen=True, slots=True)
class KnownPlaces:
    """Places in WGS84 degrees, each with the code of its area (None: should lie in some area)."""

    lon: Floats
    lat: Floats
    areas: Sequence[str | None]

    @classmethod
    def none(cls) -> KnownPlaces:
        """Return no places."""
        return cls(np.empty(0), np.empty(0), ())


@dataclass(frozen=True, slots=True)
class Score:
    """How the known places fit a system.

    ``rate`` is the share of places in their area (exact, None without places), ``outline_m`` the
    median distance between the outlines, ``margin`` how many nats the best is better.
    """

    candidate: Candidate
    rate: float | None
    outline_m: float | None
    margin: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """The systems, best first, and what follows for the declared one.

    ``verdict``: ``unknown`` (not enough to tell), ``fits`` (none is better), ``doubtful`` (another
    is probably better), ``loses`` (another is clearly better). ``places`` were counted,
    ``labelled`` tells whether by the area they belong to.
    """

    declared: str
    scores: tuple[Score, ...]
    verdict: Verdict
    places: int
    labelled: bool

    @property
    def best(self) -> Score:
        """Return the best score."""
        return self.scores[0]

    @property
    def own(self) -> Score:
        """Return the score of the declared system."""
        return next(score for score in self.scores if score.candidate.name == self.declared)

    def rates(self) -> dict[str, float | None]:
        """Return the share of places in their area, by system, best first."""
        return {score.candidate.name: score.rate for score in self.scores}


@dataclass(frozen=True, slots=True)
class _Counted:
    """Of each place under one candidate: in its area exactly, and in it or near it."""

    exact: Bools
    near: Bools


def of_layer(
    shapes: Geometries,
    codes: Sequence[str],
    declared: str,
    places: KnownPlaces,
    outline: BaseGeometry | None = None,
) -> Evidence:
    """Find out what a layer of areas is in.

    Parameters
    ----------
    shapes, codes
        Polygons with the numbers as they were delivered, and their codes; None shapes are left out.
    declared
        The system they are said to be in.
    places
        Known places; those labelled with a code that the layer does not have are left out. Where
        any is labelled only labelled ones count.
    outline
        The area that the layer should fill, in WGS84.
    """
    declared = crs.normalise(declared)
    kept = [i for i, shape in enumerate(shapes) if shape is not None and not shape.is_empty]
    there = np.asarray(shapes, dtype=object)[kept]
    position = {codes[i]: at for at, i in enumerate(kept)}
    lon, lat, labels = _distinct(places, position)
    numbers = shapely.get_coordinates(there)
    around = float(np.median(lon)) if len(lon) else _middle(outline)
    candidates = plausible(numbers[:, 0], numbers[:, 1], declared, around)
    in_metres = is_metric(numbers)
    tree = shapely.STRtree(there)

    def count(candidate: Candidate) -> _Counted:
        x, y = candidate.from_wgs84(lon, lat)
        return _count(tree, x, y, labels, NEAR_M if in_metres else NEAR_M / _DEGREE_M)

    def outlines() -> list[float] | None:
        if outline is None or not len(there):
            return None
        return _outlines(there, outline, candidates)

    counted = [count(one) for one in candidates]
    return _judge(declared, candidates, counted, labels, outlines=outlines, areas=len(there))


def of_points(
    x: Floats,
    y: Floats,
    labels: Sequence[str | None],
    declared: str,
    *,
    shapes: Geometries,
    codes: Sequence[str],
) -> Evidence:
    """Find out what a list of points is in, by areas that are known in WGS84.

    Parameters
    ----------
    x, y, labels
        The numbers as delivered, and the area each point should lie in (None: in any).
    shapes, codes
        The known areas.
    """
    declared = crs.normalise(declared)
    finite = np.isfinite(x) & np.isfinite(y)
    told = [label for label, fine in zip(labels, finite, strict=True) if fine]
    position = {code: at for at, code in enumerate(codes)}
    raw_x, raw_y, wanted = _distinct(KnownPlaces(x[finite], y[finite], told), position)
    known = np.asarray(shapes, dtype=object)
    candidates = plausible(
        raw_x, raw_y, declared, _middle(shapely.box(*shapely.total_bounds(known)))
    )
    tree = shapely.STRtree(known)
    counted = []
    for candidate in candidates:
        lon, lat = candidate.to_wgs84(raw_x, raw_y)
        counted.append(_count(tree, lon, lat, wanted, NEAR_M / _DEGREE_M))
    return _judge(declared, candidates, counted, wanted, outlines=_no_outline, areas=len(known))


def _no_outline() -> None:
    """Return nothing: points have no outline."""


def _middle(shape: BaseGeometry | None) -> float | None:
    if shape is None or shape.is_empty:
        return None
    west, _, east, _ = shape.bounds
    return float((west + east) / 2)


def _distinct(
    places: KnownPlaces, position: dict[str, int]
) -> tuple[Floats, Floats, npt.NDArray[np.intp]]:
    """Return the places that can be counted, each once, with the position of their area (-1: any).

    One place many times (a failed geocoding) is one witness.
    """
    labels = np.array(
        [-1 if area is None else position.get(area, -2) for area in places.areas], dtype=np.intp
    )
    usable = labels >= 0 if (labels >= 0).any() else labels == -1
    table = np.column_stack((places.lon, places.lat, labels)).astype(np.float64)[usable]
    table = np.unique(table, axis=0)
    return table[:, 0], table[:, 1], table[:, 2].astype(np.intp)


def _count(
    tree: shapely.STRtree, x: Floats, y: Floats, labels: npt.NDArray[np.intp], near: float
) -> _Counted:
    exact, close = np.zeros(len(labels), dtype=bool), np.zeros(len(labels), dtype=bool)
    fine = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
    points = shapely.points(x[fine], y[fine])
    for hits, pairs in (
        (exact, tree.query(points, predicate="intersects")),
        (close, tree.query(points, predicate="dwithin", distance=near)),
    ):
        who = fine[pairs[0]]
        hits[who[(labels[who] < 0) | (labels[who] == pairs[1])]] = True
    return _Counted(exact, close)


def _outlines(
    shapes: Geometries, outline: BaseGeometry, candidates: Sequence[Candidate]
) -> list[float]:
    """Return, for each candidate, the median distance in metres from the outline to the layer's."""
    whole = shapely.union_all(shapely.make_valid(shapes))
    edge = shapely.boundary(whole)
    shapely.prepare(edge)
    steps = np.linspace(0.0, 1.0, _SAMPLES, endpoint=False)
    line = _longest(shapely.boundary(outline))
    samples = shapely.get_coordinates(shapely.line_interpolate_point(line, steps, normalized=True))
    metre = 1.0 if is_metric(shapely.get_coordinates(whole)) else _DEGREE_M
    distances = []
    for candidate in candidates:
        x, y = candidate.from_wgs84(samples[:, 0], samples[:, 1])
        fine = np.isfinite(x) & np.isfinite(y)
        found = shapely.distance(edge, shapely.points(x[fine], y[fine])) * metre
        distances.append(float(np.median(found)) if fine.any() else float("inf"))
    return distances


def _longest(line: BaseGeometry) -> LineString:
    parts = shapely.get_parts(line)
    longest: LineString = parts[int(np.argmax(shapely.length(parts)))]
    return longest


def _judge(
    declared: str,
    candidates: Sequence[Candidate],
    counted: Sequence[_Counted],
    labels: npt.NDArray[np.intp],
    *,
    outlines: Callable[[], list[float] | None],
    areas: int,
) -> Evidence:
    """Order the candidates and say what follows; outlines are asked only where places leave doubt.

    The declared system wins ties, then the order of the candidates decides.
    """
    places, labelled = len(labels), bool(len(labels)) and bool((labels >= 0).all())
    own = next(i for i, one in enumerate(candidates) if one.name == declared)
    hits = [int(one.near.sum()) for one in counted]
    best = max(range(len(candidates)), key=lambda i: (hits[i], i == own, -i))
    margins = [_margin(counted[best].near, one.near, areas if labelled else 2) for one in counted]
    verdict = _by_places(hits, best, own, margins[own], places)
    metres = outlines() if verdict == "unknown" else None
    if metres is not None:
        verdict = _by_outline(metres, own)
    order = sorted(
        range(len(candidates)), key=lambda i: (-hits[i], metres[i] if metres else 0.0, i != own, i)
    )
    scores = tuple(
        Score(
            candidates[i],
            float(counted[i].exact.mean()) if places else None,
            None if metres is None else metres[i],
            margins[i],
        )
        for i in order
    )
    return Evidence(declared, scores, verdict, places, labelled)


def _margin(best: Bools, other: Bools, areas: int) -> float:
    """Return by how many nats the first explains the labels better than the second."""
    for_best, against = int((best & ~other).sum()), int((other & ~best).sum())
    if for_best <= against:
        return 0.0
    wrong = (float((~best).sum()) + 0.5) / (len(best) + 1.0)
    each = max(np.log((1.0 - wrong) / wrong) + np.log(max(areas - 1, 1)), 0.0)
    margin = float((for_best - against) * each)
    if against:
        margin = min(margin, (for_best - against) ** 2 / (2.0 * (for_best + against)))
    return margin


def _by_places(hits: Sequence[int], best: int, own: int, margin: float, places: int) -> Verdict:
    ahead = hits[best] - hits[own]
    if hits[best] < places / 2:
        return "unknown"  # not even the best is right: something else is wrong, or much redrawn
    if ahead == 0:
        # what tells no system from another proves none right
        return "unknown" if len(set(hits)) == 1 else "fits"
    if margin < LIKELY:
        return "unknown"
    return "loses" if margin >= CLEAR and ahead >= FEWEST else "doubtful"


def _by_outline(outlines: Sequence[float], own: int) -> Verdict:
    best = min(outlines)
    if best > OUTLINE_FITS_M:
        return "unknown"
    loses = outlines[own] > max(best * OUTLINE_RATIO, OUTLINE_FITS_M)
    return "loses" if loses else "fits"
