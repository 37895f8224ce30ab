"""Indicators of a period, computed by one statement."""

from __future__ import annotations

from datetime import datetime
from importlib import resources
from typing import Any, Final

import sqlalchemy as sa

from gis.store.unit_of_work import UnitOfWork

_TEMPLATE: Final = (resources.files("gis.store") / "sql" / "kpis.sql").read_text(encoding="utf-8")
_AREA: Final = (
    "(select a.code from areas as a where a.code = any ({path}) and a.level = '{level}' "
    'order by a.code collate "C" limit 1)'
)
_KEYS: Final[dict[str, tuple[str, str]]] = {
    "all": ("cast(null as text)", "cast(null as text)"),
    "category": ("e.category", "e.category"),
    "source": ("e.source", "e.source"),
    "unit": (
        "(select max(x.unit_code) from work_orders as x where x.event_id = e.id)",
        "w.unit_code",
    ),
    **{
        level: (
            _AREA.format(path="e.path_codes", level=level),
            _AREA.format(path="w.path_codes", level=level),
        )
        for level in ("county", "subdistrict", "community", "grid")
    },
}
"""What the rows of a sheet may be -> the key of an event, of an order."""

GROUPS: Final = tuple(_KEYS)

_STATEMENTS: Final = {
    group: sa.text(
        _TEMPLATE.replace("{event_key}", of_event).replace("{order_key}", of_order)
    ).bindparams(
        *(
            sa.bindparam(name, type_=sa.DateTime(timezone=True))
            for name in ("since", "until", "now")
        ),
        sa.bindparam("area", type_=sa.Text()),
    )
    for group, (of_event, of_order) in _KEYS.items()
}


def amounts(
    work: UnitOfWork,
    *,
    by: str,
    area: str | None,
    since: datetime,
    until: datetime,
    now: datetime,
) -> list[tuple[str | None, dict[str, float]]]:
    """Return, for each key, how much there is of each measure; what there is none of is absent."""
    rows = work.rows(_STATEMENTS[by], area=area, since=since, until=until, now=now)
    return [(row["key"], dict(row["amounts"])) for row in rows]


def titles(work: UnitOfWork, by: str) -> dict[str, tuple[str, str]]:
    """Return what people call the keys of a grouping (zh, en); months and sources need none."""
    if by == "category":
        statement = "select key, title_zh as zh, title_en as en from categories"
    elif by == "unit":
        statement = "select code as key, name as zh, name as en from units"
    elif by in {"county", "subdistrict", "community", "grid"}:
        statement = (
            "select distinct on (area_code) area_code as key, name as zh, name as en "
            "from area_versions where level = :level and valid is not null "
            "order by area_code, lower(valid) desc"
        )
        rows = work.rows(sa.text(statement), level=by)
        return {row["key"]: (row["zh"], row["en"]) for row in rows}
    else:
        return {}
    return {row["key"]: (row["zh"], row["en"]) for row in work.rows(sa.text(statement))}


def plan(work: UnitOfWork, by: str, **values: Any) -> str:  # noqa: ANN401 - of amounts()
    """Return the plan of the statement, for the test that looks at its indexes."""
    explained = sa.text(f"explain {_STATEMENTS[by].text}").bindparams(
        *(
            sa.bindparam(name, type_=sa.DateTime(timezone=True))
            for name in ("since", "until", "now")
        ),
        sa.bindparam("area", type_=sa.Text()),
    )
    return "\n".join(str(next(iter(row.values()))) for row in work.rows(explained, **values))
