"""12345 orders: mapped by a profile, each once, bad rows with their own problem."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from openpyxl import Workbook
from pyproj import Transformer

from api.app import create_app
from gis.cluster import Cluster
from gis.governance.actors import SYSTEM
from gis.services.access import issue_token
from gis.settings import Settings
from gis.store.unit_of_work import Database
from tests.conftest import cloned
from tests.factories import SmallCity, small_city

LOCAL = "+proj=tmerc +lat_0=32.25 +lon_0=118.25 +k=1 +x_0=0 +y_0=0 +ellps=GRS80 +units=m +no_defs"


@dataclass
class Hall:
    client: TestClient
    database: Database
    city: SmallCity
    headers: dict[str, str]

    def send(self, *orders: dict[str, Any], **more: Any) -> Any:  # noqa: ANN401 - JSON
        body = {"orders": list(orders), **more}
        return self.client.post("/v1/hotline/orders", headers=self.headers, json=body)

    def row(self, number: str, grid: int = 1, **more: Any) -> dict[str, Any]:  # noqa: ANN401
        lon, lat = self.city.inside(grid)
        return {
            "taskNum": number, "eventSrcName": "12345热线", "recTypeName": "事件",
            "mainTypeName": "市容环境", "subTypeName": "暴露垃圾", "eventDesc": "楼下垃圾无人清运",
            "address": "南门口 3 号", "longitude": str(lon), "latitude": str(lat),
            "reportPatrolName": "王五", "createTime": "2026-11-23 09:15:00", **more,
        }  # fmt: skip

    def count(self, table: str = "event_registry") -> int:
        with self.database.reading(SYSTEM) as work:
            return int(work.scalar(sa.text(f"select count(*) from {table}")))

    def event(self, event_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.client.get(
            f"/v1/events/{event_id}", headers=self.headers
        ).json()
        return found


@pytest.fixture(scope="module")
def hall(cluster: Cluster, template: str, settings: Settings) -> Iterator[Hall]:
    with cloned(cluster, template) as database:
        city = small_city(database)
        secret = issue_token(database, SYSTEM, role="dispatcher").secret
        with TestClient(create_app(settings, database)) as client:
            yield Hall(client, database, city, {"Authorization": f"Bearer {secret}"})


def test_an_order_becomes_one_event_however_often_it_is_sent(hall: Hall) -> None:
    first = hall.send(hall.row("0001")).json()
    before = hall.count()
    again = hall.send(hall.row("0001", grid=2), hall.row("0001")).json()
    assert first["counts"] == {"rows": 1, "created": 1, "known": 0, "rejected": 0, "review": 0}
    assert again["counts"]["known"] == 2
    assert hall.count() == before
    assert {result["event"] for result in again["results"]} == {first["results"][0]["event"]}
    event = hall.event(first["results"][0]["event"])
    assert event["source"] == "hotline-12345"
    assert event["source_ref"] == "0001"
    assert event["category"] == "event-exposed-rubbish"
    assert event["grid"] == hall.city.grids[0]
    assert event["reported_at"] == "2026-11-23T01:15:00+00:00"
    assert event["reporter"]["name"] == "王五"
    assert event["routing"] == "auto"


def test_bad_rows_are_told_and_good_ones_taken(hall: Hall) -> None:
    before = hall.count()
    answer = hall.send(
        hall.row("0101"),
        hall.row(""),
        hall.row("0103", longitude="east"),
        hall.row("0105", createTime="yesterday"),
        hall.row("0106", eventDesc="x" * 4001),
        hall.row("0107", address=None, longitude=None, latitude=None),
        hall.row("0108"),
    ).json()
    assert [result["status"] for result in answer["results"]] == [
        "created", *["rejected"] * 5, "created",
    ]  # fmt: skip
    assert [result["row"] for result in answer["results"]] == list(range(1, 8))
    problems = [
        r["problem"]["type"].rpartition("/")[2] for r in answer["results"] if "problem" in r
    ]
    assert problems == [*["order-row-invalid"] * 4, "evidence-missing"]  # fmt: skip
    assert hall.count() == before + 2
    assert hall.count("hotline_orders") == hall.count()


def test_all_or_nothing_takes_nothing_with_a_bad_row(hall: Hall) -> None:
    before = hall.count()
    answer = hall.send(hall.row("0201"), hall.row("0202", longitude="x"), all_or_nothing=True)
    assert answer.status_code == 422
    assert answer.json()["type"] == "/problems/orders-refused"
    assert answer.json()["facts"]["rows"][0]["row"] == 2
    assert hall.count() == before
    assert hall.send(hall.row("0201"), all_or_nothing=True).json()["counts"]["created"] == 1


def test_an_unknown_category_waits_for_a_person_with_the_reason(hall: Hall) -> None:
    answer = hall.send(hall.row("0301", subTypeName="噪音扰邻", mainTypeName="其他")).json()
    (result,) = answer["results"]
    assert (result["status"], result["routing"]) == ("created", "review")
    event = hall.event(result["event"])
    assert event["category"] is None
    assert event["work_orders"] == []
    reasons = {reason["code"]: reason["text"] for reason in event["match"]["reasons"]}
    assert "噪音扰邻" in reasons["order-category-unknown"]
    listed = hall.client.get(
        "/v1/hotline/orders", headers=hall.headers, params={"doubtful": "true"}
    ).json()["items"]
    assert [row["source_ref"] for row in listed] == ["0301"]
    assert listed[0]["event"]["routing"] == "review"


def test_names_are_recognised_without_regard_to_width_and_brackets(hall: Hall) -> None:
    row = hall.row("0311", recTypeName="部件", mainTypeName="公共设施",
                   subTypeName="井盖（权属不明）")  # fmt: skip
    (result,) = hall.send(row).json()["results"]
    assert hall.event(result["event"])["category"] == "component-manhole-cover"


def test_shanghai_style_with_a_declared_local_system(hall: Hall) -> None:
    to_local = Transformer.from_crs(4326, LOCAL, always_xy=True)
    x, y = to_local.transform(*hall.city.inside(3))
    row = {"TASKID": "SH-1", "INFOTYPENAME": "事件", "INFOBCNAME": "街面秩序",
           "INFOSCNAME": "占道经营", "INFOSOURCENAME": "12345", "ADDRESS": "南门口",
           "COORDX": x, "COORDY": y, "DISCOVERTIME": "2026/11/23 09:15:00"}  # fmt: skip
    silent = hall.send({**row, "TASKID": "SH-0"}, profile="shanghai").json()["results"][0]
    assert silent["doubts"][0]["code"] == "order-crs-undeclared"
    assert silent["grid"] is None
    (result,) = hall.send(row, profile="shanghai", crs=LOCAL).json()["results"]
    assert result["grid"] == hall.city.grids[2]
    assert hall.event(result["event"])["category"] == "event-street-stall"
    with hall.database.reading(SYSTEM) as work:
        raw = work.scalar(sa.text("select raw from hotline_orders where source_ref = 'SH-1'"))
    assert raw["COORDX"] == x, "what came in is kept"


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"profile": "none"}, "profile-unknown"),
        ({"crs": "+proj=nonsense"}, "crs-unknown"),
        ({"crs": "+proj=pipeline +step +proj=merc"}, "crs-unknown"),
        ({"crs": "+proj=longlat +nadgrids=/etc/passwd"}, "crs-unknown"),
    ],
)
def test_bad_profiles_and_systems_are_refused(hall: Hall, more: dict[str, str], code: str) -> None:
    answer = hall.send(hall.row("0401"), **more)
    assert (answer.status_code, answer.json()["type"]) == (422, f"/problems/{code}")


def sheet(rows: list[dict[str, Any]]) -> bytes:
    book = Workbook()
    names = list(rows[0])
    book.active.append(names)
    for row in rows:
        book.active.append([row[name] for name in names])
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def test_files_are_taken_by_http(hall: Hall) -> None:
    rows = [hall.row(f"05{n:02}") for n in range(3)]
    table = ",".join(rows[0]) + "\r\n" + "\r\n".join(",".join(row.values()) for row in rows)
    for content, name, status in (
        (sheet(rows), "批次.xlsx", "created"),
        (table.encode("gb18030"), "批次.csv", "known"),
    ):
        answer = hall.client.post(
            "/v1/hotline/orders", headers=hall.headers, data={"profile": "city"},
            files={"file": (name, content)},
        )  # fmt: skip
        assert answer.status_code == 200, answer.text
        assert [r["status"] for r in answer.json()["results"]] == [status] * 3
        assert [r["row"] for r in answer.json()["results"]] == [2, 3, 4]
    for name, content in (("x.xlsx", b"no sheet"), ("x.pdf", b"%PDF")):
        refused = hall.client.post(
            "/v1/hotline/orders", headers=hall.headers, files={"file": (name, content)}
        )
        assert refused.status_code == 422, refused.text


def test_the_command_takes_a_file_with_an_own_profile(
    hall: Hall, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from typer.testing import CliRunner

    from api import cli

    own = {"name": "own", "crs": "WGS84", "categories": {"脏乱差": "event-exposed-rubbish"},
           "columns": {"source_ref": "编号", "sub_type": "类型", "lon": "东经", "lat": "北纬",
                       "description": "内容"}}  # fmt: skip
    profile = tmp_path / "own.json"
    profile.write_text(json.dumps(own, ensure_ascii=False), "utf-8")
    lon, lat = hall.city.inside(2)
    batch = tmp_path / "batch.csv"
    batch.write_text(
        f"编号,类型,东经,北纬,内容\n007,脏乱差,{lon},{lat},垃圾\n008,脏乱差,x,{lat},垃圾\n", "utf-8"
    )
    monkeypatch.setenv("GRIDWARD_DATABASE_URL", hall.database.url)
    done = CliRunner().invoke(
        cli.app("imports"),
        ["import", "hotline", str(batch), "--profile", str(profile), "--json"],
    )
    assert done.exit_code == 1, done.output
    told = json.loads(done.stdout)
    assert [r["status"] for r in told["results"]] == ["created", "rejected"]
    assert told["results"][0]["source_ref"] == "007"
    assert told["results"][0]["grid"] == hall.city.grids[1]
