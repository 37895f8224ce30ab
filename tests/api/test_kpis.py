"""Indicators of a period, counted by hand on a small city."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from openpyxl import load_workbook

from api.app import create_app
from gis.cluster import Cluster
from gis.governance.actors import SYSTEM
from gis.services.access import issue_token
from gis.settings import Settings
from gis.store import kpis
from gis.store.unit_of_work import Database
from tests.conftest import cloned
from tests.factories import COMMUNITY, SmallCity, small_city

CASE = sa.text(
    """
    with r as (
        insert into event_registry (id, number, source, received_at)
        values (gen_random_uuid(), :n, :source, :received) returning *
    ), e as (
        insert into events (id, received_at, number, source, category, reported_at, routing,
            status, path_codes, match)
        select id, received_at, number, source, 'event-fire', received_at, :routing, :status,
            :path, '{}' from r
    )
    insert into work_orders (code, event_id, status, level, area_code, unit_code, assignee_id,
        assignee_role, path_codes, dispatched_at, created_at, due_at, closed_at, returns)
    select 'WO-' || number, id, :status, 'grid', :grid, 'U1', (select min(id) from persons),
        'grid_worker', :path, received_at, received_at, :due, :closed, :returns from r
    where cast(:due as timestamptz) is not null
    """
).bindparams(
    *(sa.bindparam(n, type_=sa.DateTime(timezone=True)) for n in ("received", "due", "closed"))
)
LOGGED = sa.text(
    "insert into log_entries (event_id, work_order_code, actor_id, actor_role, action, at) "
    "select event_id, code, 'x', 'dispatcher', :action, :at from work_orders "
    "where code = 'WO-' || :n"
)


def october(day: int, hour: int = 10) -> datetime:
    return datetime(2026, 10, day, hour - 8 if hour >= 8 else 0, tzinfo=UTC)


@dataclass
class Office:
    client: TestClient
    database: Database
    city: SmallCity

    def header(self, role: str = "planner", area: str | None = None) -> dict[str, str]:
        secret = issue_token(self.database, SYSTEM, role=role, area=area).secret
        return {"Authorization": f"Bearer {secret}"}

    def get(self, path: str = "kpis", **query: str) -> Any:  # noqa: ANN401 - JSON
        return self.client.get(f"/v1/{path}", headers=self.header(), params=query)


def fill(database: Database, city: SmallCity) -> None:
    grids = city.grids
    cases = [
        ("1", 0, "snap", "auto", "closed", october(5), october(6), october(5, 18), 0),  # on time
        ("2", 0, "patrol", "auto", "closed", october(6), october(7), october(9), 0),  # late
        ("3", 1, "snap", "review", "handling", october(7), october(8), None, 1),  # overdue, back
        ("4", 1, "snap", "auto", "suspended", october(8), october(9), None, 0),  # left out
        ("5", 1, "snap", "auto", "dispatched", october(30), datetime(2026, 11, 3, tzinfo=UTC),
         None, 0),  # due in November
        ("6", 2, "snap", "auto", "closed", datetime(2026, 9, 29, tzinfo=UTC), october(2),
         october(1), 0),  # dispatched in September
        ("7", 2, "snap", "unrouted", "unrouted", october(9), None, None, 0),
        ("8", 2, "snap", "auto", "void", october(9), october(10), october(9, 12), 0),
    ]  # fmt: skip
    with database.transaction(SYSTEM) as work:
        for n, grid, source, routing, status, received, due, closed, returns in cases:
            path = ["341100", "341102", "341102001", COMMUNITY, grids[grid]]
            work.execute(
                CASE, n=n, source=source, routing=routing, status=status, received=received,
                due=due, closed=closed, returns=returns, grid=grids[grid], path=path,
            )  # fmt: skip
        work.execute(LOGGED, n="2", action="rework", at=october(8))
        work.execute(LOGGED, n="3", action="send_back", at=october(7, 12))


@pytest.fixture(scope="module")
def office(cluster: Cluster, template: str, settings: Settings) -> Iterator[Office]:
    with cloned(cluster, template) as database:
        city = small_city(database)
        fill(database, city)
        with TestClient(create_app(settings, database)) as client:
            yield Office(client, database, city)


def test_the_total_is_what_one_counts_by_hand(office: Office) -> None:
    total = office.get(month="2026-10").json()["total"]
    assert total == {
        "reported": 7,
        "filed": 5,
        "dispatched": 6,
        "due": 4,  # 1, 2, 3 and 6; not 4 (suspended), 5 (November), 8 (void)
        "closed": 3,
        "closed_on_time": 2,
        "on_time_rate": 0.5,
        "closing_rate": 0.75,
        "handled_on_time_rate": 0.5,
        "right_first_time_rate": round(5 / 6, 6),
        "auto_dispatch_rate": round(5 / 6, 6),
        "active_discovery_rate": round(1 / 7, 6),
        "rework": 1,
        "suspended": 1,
        "overdue_open": 1,
        "mean_handling_hours": total["mean_handling_hours"],
    }
    chinese = office.get(month="2026-10").json()["indicators"]
    assert (chinese["应结案数"], chinese["按期结案率"], chinese["挂账数"]) == (4, 0.5, 1)


def test_a_ratio_without_a_base_is_null(office: Office) -> None:
    total = office.get(month="2020-01").json()["total"]
    assert {key for key, value in total.items() if value is None} == {
        "on_time_rate", "closing_rate", "handled_on_time_rate", "right_first_time_rate",
        "auto_dispatch_rate", "active_discovery_rate", "mean_handling_hours",
    }  # fmt: skip
    assert total["due"] == total["reported"] == 0


def test_groups_add_up_to_the_total(office: Office) -> None:
    for by in ("county", "community", "grid", "category", "source"):
        answer = office.get(month="2026-10", by=by).json()
        for key in ("reported", "dispatched", "due", "closed", "rework", "overdue_open"):
            assert sum(row[key] for row in answer["items"]) == answer["total"][key], (by, key)
    grids = {row["key"]: row for row in office.get(month="2026-10", by="grid").json()["items"]}
    assert grids[office.city.grids[0]]["on_time_rate"] == 0.5
    assert grids[office.city.grids[1]]["due"] == 1
    units = office.get(month="2026-10", by="unit").json()["items"]
    assert [row["title"] for row in units if row["key"] == "U1"] == ["南门社区"]
    months = office.get(
        by="month", **{"from": "2026-09-01T00:00:00+08:00", "to": "2026-12-01T00:00:00+08:00"}
    ).json()["items"]
    assert [(row["key"], row["due"]) for row in months] == [
        ("2026-09", 0), ("2026-10", 4), ("2026-11", 1),
    ]  # fmt: skip


def test_an_area_is_counted_for_itself_and_scope_is_kept(office: Office) -> None:
    grid = office.city.grids[1]
    assert office.get(month="2026-10", area=grid).json()["total"]["reported"] == 3
    worker = office.header("grid_worker", grid)
    own = office.client.get("/v1/kpis", headers=worker, params={"month": "2026-10"}).json()
    assert (own["area"], own["total"]["reported"]) == (grid, 3)
    other = office.client.get(
        "/v1/kpis", headers=worker, params={"month": "2026-10", "area": office.city.grids[0]}
    )
    assert other.status_code == 403


def test_the_sheet_is_a_file_that_spreadsheets_read(office: Office, tmp_path: Path) -> None:
    found = office.get("kpis.xlsx", month="2026-10", by="grid")
    assert "kpis-2026-10.xlsx" in found.headers["content-disposition"]
    rows = list(load_workbook(io.BytesIO(found.content)).active.iter_rows(values_only=True))
    assert rows[0][:4] == ("网格编码", "名称", "上报数", "立案数")
    assert rows[-1][0] == "合计"
    assert rows[-1][2] == 7
    text = office.get("kpis.csv", month="2026-10", by="grid").content
    assert text.startswith(b"\xef\xbb\xbf")
    listed = list(csv.reader(io.StringIO(text.decode("utf-8-sig"))))
    assert [len(row) for row in listed] == [len(row) for row in rows]
    assert [row[:3] for row in listed] == [
        ["" if c is None else str(c) for c in r[:3]] for r in rows
    ]
    assert float(listed[1][8]) == rows[1][8] == 0.5


@pytest.mark.parametrize(
    "query",
    [
        {"from": "2026-10-02T00:00:00Z", "to": "2026-10-01T00:00:00Z"},
        {"month": "2026-13"},
        {"month": "October"},
        {"by": "planet"},
        {"by": "month", "from": "1900-10-02T00:00:00Z", "to": "2026-10-01T00:00:00Z"},
    ],
)
def test_bad_periods_are_refused(office: Office, query: dict[str, str]) -> None:
    assert office.get(**query).status_code == 422


def test_the_statement_reads_indexes(office: Office) -> None:
    with office.database.transaction(SYSTEM) as work:
        work.execute(sa.text("set local enable_seqscan = off"))
        plan = kpis.plan(
            work, "grid", area=None, since=october(1), until=october(31), now=october(31)
        )
    for index in ("ix_work_orders_closed_at", "ix_work_orders_dispatched_at"):
        assert index in plan, plan
    assert "Seq Scan on work_orders" not in plan
    assert "Seq Scan on log_entries" not in plan


def test_the_command_writes_the_monthly_sheet(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from typer.testing import CliRunner

    from api import cli

    monkeypatch.setenv("GRIDWARD_DATABASE_URL", office.database.url)
    for name in ("out.xlsx", "out.csv"):
        out = tmp_path / name
        done = CliRunner().invoke(cli.app("kpis"), ["kpis", "--month", "2026-10", str(out)])
        assert done.exit_code == 0, done.output
        assert out.stat().st_size > 200
