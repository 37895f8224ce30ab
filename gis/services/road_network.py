"""The stored road edges as a network: equal ends are one junction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import shapely

from gis.coverage.roads import RoadGraph

if TYPE_CHECKING:
    from gis.store.planning import Roads

_DIGITS: Final = 8  # of a degree: a millimetre


def network_of(roads: Roads) -> RoadGraph:
    """Return the network of stored edges; ends within a millimetre are one junction."""
    count = len(roads.ids)
    if not count:
        return RoadGraph.build(np.empty((0, 2)), np.empty((0, 2), dtype=np.intp))
    first, last = (
        shapely.get_coordinates(shapely.get_point(roads.lines, place)) for place in (0, -1)
    )
    ends = np.vstack([first, last])
    _, at, joined = np.unique(ends.round(_DIGITS), axis=0, return_index=True, return_inverse=True)
    joined = joined.reshape(-1)
    return RoadGraph.build(
        ends[at],
        np.column_stack([joined[:count], joined[count:]]),
        roads.length_m,
        oneway=roads.oneway,
        walk=roads.walk,
        ride=roads.ride,
        lines=roads.lines,
    )
