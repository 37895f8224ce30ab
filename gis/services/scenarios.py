"""Scenarios 方案: planning questions saved by name, compared side by side, asked again.

A scenario keeps the question as it was understood (parameters and seed), the answer, and what it
stood on (boundary revision, dates of the data), so that it can be repeated and told apart from one
that was asked of another city.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import shapely

from gis.errors import PlanningInvalid, ScenarioUnknown
from gis.services.coverage_question import CoverageQuestion, StationChange, checked_area
from gis.services.planning import coverage
from gis.services.redraw import propose_redraw
from gis.services.redraw_ground import RedrawRequest
from gis.services.siting import site
from gis.services.siting_job import question_of
from gis.services.siting_question import SitingQuestion
from gis.store import scenarios as store

if TYPE_CHECKING:
    from gis.governance.actors import Actor
    from gis.store.unit_of_work import Database

MOST_COMPARED: Final = 10
_ASKED: Final = ("community", "grids", "low", "high", "keep", "seed", "seconds")


def save(
    database: Database, actor: Actor, name: str, kind: str, question: Mapping[str, Any]
) -> dict[str, Any]:
    """Answer a question and save both under a name.

    Raises
    ------
    gis.errors.PlanningInvalid
        A kind that is none of :data:`KINDS`, a field that the question does not have.
    gis.store.constraints.ScenarioNameTaken
        The name is taken.
    """
    if kind not in KINDS:
        raise PlanningInvalid(what="kind", value=kind, fit=", ".join(KINDS))
    if not name.strip():
        raise PlanningInvalid(what="name", value=name, fit="a name")
    area = checked_area(actor, question.get("community") or question.get("area"))
    asked = {**question, "area": area}
    answer = KINDS[kind](database, actor, asked)
    values = {
        "name": name.strip(),
        "kind": kind,
        "area_code": area,
        "question": asked,
        "answer": answer,
        "basis": answer["basis"],
    }
    with database.transaction(actor) as work:
        number = store.add(work, values)
    return one(database, actor, number)


def listed(database: Database, actor: Actor, *, after: int, limit: int) -> list[dict[str, Any]]:
    """Return the scenarios that the actor may see, without their answers."""
    with database.reading(actor) as work:
        scope = None if actor.area_code is None else actor.area_code.removesuffix("00")
        rows = store.listed(work, beginning=scope, after=after, limit=limit)
    return [_shown(row) for row in map(dict, rows)]


def one(database: Database, actor: Actor, number: int) -> dict[str, Any]:
    """Return a scenario with its answer.

    Raises
    ------
    gis.errors.ScenarioUnknown
    """
    with database.reading(actor) as work:
        row = store.of(work, number)
    if row is None or not _may_see(actor, dict(row)):
        raise ScenarioUnknown(id=number)
    return {**_shown(dict(row)), "answer": row["answer"]}


def remove(database: Database, actor: Actor, number: int) -> None:
    """Delete a scenario: its author, or an administrator.

    Raises
    ------
    gis.errors.ScenarioUnknown
    """
    found = one(database, actor, number)
    if actor.role != "admin" and found["created_by"] != actor.id:
        raise ScenarioUnknown(id=number)
    with database.transaction(actor) as work:
        store.remove(work, number)


def again(database: Database, actor: Actor, number: int) -> dict[str, Any]:
    """Ask a scenario's question of the city as it is now; nothing is written.

    Returns
    -------
    dict
        ``answer``, ``same_basis`` (the data are the very same) and ``same_figures``.
    """
    found = one(database, actor, number)
    answer = KINDS[found["kind"]](database, actor, found["question"])
    return {
        "id": number,
        "name": found["name"],
        "same_basis": answer["basis"] == found["basis"],
        "same_figures": figures(found["kind"], answer) == figures(found["kind"], found["answer"]),
        "answer": answer,
    }


def compared(database: Database, actor: Actor, numbers: Sequence[int]) -> dict[str, Any]:
    """Return scenarios side by side: their figures, and what differs in question and basis.

    Raises
    ------
    gis.errors.ScenarioUnknown, gis.errors.PlanningInvalid
    """
    if not 2 <= len(numbers) <= MOST_COMPARED:
        raise PlanningInvalid(what="ids", value=len(numbers), fit=f"2..{MOST_COMPARED}")
    found = [one(database, actor, number) for number in numbers]
    names = sorted({name for row in found for name in row["answer"]["question"]})
    differs = [
        name
        for name in names
        if any(
            row["answer"]["question"].get(name) != found[0]["answer"]["question"].get(name)
            for row in found
        )
    ]
    return {
        "columns": [
            {
                "id": row["id"],
                "name": row["name"],
                "kind": row["kind"],
                "figures": figures(row["kind"], row["answer"]),
                "question": {name: row["answer"]["question"].get(name) for name in differs},
                "basis": row["basis"],
            }
            for row in found
        ],
        "same_basis": all(row["basis"] == found[0]["basis"] for row in found),
    }


def figures(kind: str, answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return the figures by which scenarios are compared."""
    if kind == "redraw":
        after, moved = answer["proposal"]["after"], answer["proposal"]["moved"]
        return {
            "grids": len(after["grids"]),
            "fewest_households": after["fewest_households"],
            "most_households": after["most_households"],
            "households_moved": moved["households"],
            "people": moved["residents_in_all"],
            "compactness": after["compactness"],
            "border_m": after["border_m"],
            "along_roads": after["along_roads"],
            "score": answer["proposal"]["score"]["total"],
        }
    if kind == "coverage":
        names = ("people", "people_covered", "people_uncovered", "not_assessable", "ratio",
                 "households_covered", "area_covered_km2", "stations")  # fmt: skip
        return {name: answer["summary"].get(name) for name in names}
    after, proof = answer["after"], answer["proof"]
    return {
        "people": after["people"],
        "people_covered": after["people_covered"],
        "ratio": after["ratio"],
        "stations": after["stations"],
        "mean_distance_m": after["mean_distance_m"],
        "largest_distance_m": after["largest_distance_m"],
        "bound": proof["bound"],
        "gap": proof["gap"],
        "status": proof["status"],
    }


def tables_of(found: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Return a scenario as flat tables: what CSV, XLSX and GeoPackage hold."""
    answer = found["answer"]
    question = {name: _flat(value) for name, value in answer["question"].items()}
    summary = {
        "name": found["name"],
        **figures(found["kind"], answer),
        **question,
        "boundary_revision": found["basis"]["boundary_revision"],
        "data": _flat(found["basis"]["data"]),
        "created_at": found["created_at"],
    }
    if found["kind"] == "coverage":
        return {
            "areas": [
                {key: _flat(row[key]) for key in sorted(row, key=_place)} for row in answer["areas"]
            ],
            "gaps": _features(answer["gaps"]),
            "summary": [summary],
        }
    main = "grids" if found["kind"] == "redraw" else "sites"
    return {main: _features(answer[main]), "summary": [summary]}


def _features(collection: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            **{key: _flat(value) for key, value in feature["properties"].items()},
            "geometry": feature["geometry"],
        }
        for feature in collection["features"]
    ]


_FIRST: Final = ("code", "name", "people", "people_covered", "ratio")


def _place(key: str) -> tuple[int, str]:
    """Return where a column stands: stored JSON keeps no order."""
    return (_FIRST.index(key) if key in _FIRST else len(_FIRST), key)


def _flat(value: Any) -> Any:  # noqa: ANN401 - whatever JSON carries
    if isinstance(value, Mapping):
        return "; ".join(f"{key}={_flat(inner)}" for key, inner in value.items())
    if isinstance(value, list):
        return "; ".join(str(_flat(inner)) for inner in value)
    return value


def _may_see(actor: Actor, row: Mapping[str, Any]) -> bool:
    return actor.area_code is None or (
        row["area_code"] is not None and actor.covers(row["area_code"])
    )


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": row["id"],
        "name": row["name"],
        "kind": row["kind"],
        "area": row["area_code"],
        "question": row["question"],
        "basis": row["basis"],
        "created_by": row["created_by"],
        "created_at": row["created_at"].isoformat(timespec="seconds"),
    }


def _coverage(database: Database, actor: Actor, asked: Mapping[str, Any]) -> dict[str, Any]:
    plain = _known(CoverageQuestion, asked)
    for name in ("at", "boundaries_at"):
        if isinstance(plain.get(name), str):
            plain[name] = datetime.fromisoformat(plain[name])
    plain["changes"] = tuple(StationChange(**change) for change in plain.get("changes") or ())
    return coverage(database, actor, CoverageQuestion(**plain))


def _siting(database: Database, actor: Actor, asked: Mapping[str, Any]) -> dict[str, Any]:
    plain = _known(SitingQuestion, asked)
    return site(database, actor, question_of({"changes": (), "own": (), **plain}))


def _redraw(database: Database, actor: Actor, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Propose grids without a draft: options are compared before one of them is drafted."""
    plain = {name: value for name, value in asked.items() if name != "area"}
    request = RedrawRequest(**{**_known(RedrawRequest, plain), "dry_run": True, "title": None})
    report = propose_redraw(database, actor, request)
    question = {name: value for name, value in asdict(request).items() if name in _ASKED}
    return {
        "question": question | {"area": request.community},
        "basis": report.proposal["basis"],
        "proposal": report.proposal,
        "grids": {
            "type": "FeatureCollection",
            "features": [
                {
                    "type": "Feature",
                    "geometry": json.loads(str(shapely.to_geojson(one.geometry))),
                    "properties": dict(one.facts),
                }
                for one in report.findings
                if one.kind == "redrawn-grid"
            ],
        },
    }


def _known(question: type[Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    names = {field.name for field in fields(question)}
    for name in asked:
        if name not in names:
            raise PlanningInvalid(what="question", value=name, fit=", ".join(sorted(names)))
    return dict(asked)


KINDS: Final[dict[str, Callable[[Database, Actor, Mapping[str, Any]], dict[str, Any]]]] = {
    "coverage": _coverage,
    "siting": _siting,
    "redraw": _redraw,
}
"""Kind -> what answers its question."""
