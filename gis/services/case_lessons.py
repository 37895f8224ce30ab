"""What people decide about the place of a case, handed to learning: confirmed grids and rulings."""

from __future__ import annotations

from collections.abc import Mapping

from gis.governance.work_orders import GROUNDS
from gis.services.case_file import CaseFile
from gis.services.learning import Confirmed, learn_from_correction


def teach(case: CaseFile, grid: str) -> None:
    """Keep what a person said about the place of a case, with what matching had said."""
    event = case.event
    learn_from_correction(
        case.work,
        case.in_force.snapshot,
        Confirmed(
            event_id=event["id"],
            source=event["source"],
            category=event["category"],
            address=event["address"],
            raw_location=event["raw_location"],
            place=case.place,
            match=event["match"],
            grid=grid,
        ),
    )


def teach_by_ruling(case: CaseFile, to: Mapping[str, str]) -> None:
    """Keep what a final ruling says about the place: the grid that it names.

    One about territory that names nobody upholds the grid on the map. One that names a unit or a
    person, or an area coarser than a grid, is about duties and says nothing of the place.
    """
    named = to.get("grid") or to.get("area")
    if not to and case.returns and GROUNDS[case.returns[-1]["ground"]].territorial:
        named = case.event["grid_code"]
    area = None if named is None else case.in_force.snapshot.areas.get(named)
    if area is not None and area.level == "grid":
        teach(case, area.code)
