"""The whole loop through HTTP only, and what its log tells."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from api.app import create_app
from gis.governance.actors import SYSTEM
from gis.services.access import issue_token
from gis.settings import Settings
from gis.store import duty
from gis.store.unit_of_work import Database
from tests.conftest import serving
from tests.factories import COMMUNITY, SmallCity, add_upper_levels, small_city
from tests.photographs import photograph

Door = Callable[..., httpx.Client]


@pytest.fixture
def city(database: Database) -> SmallCity:
    made = small_city(database)
    with database.transaction(SYSTEM) as work:
        add_upper_levels(work)
    return made


@pytest.fixture
def door(database: Database, settings: Settings, city: SmallCity) -> Iterator[Door]:
    """`door(role, area=None, person=None)`: a signed-in client on a real server."""
    with serving(create_app(settings, database)) as base:
        clients: list[httpx.Client] = []

        def open_door(
            role: str, area: str | None = None, person: str | None = None
        ) -> httpx.Client:
            person_id = None
            if person is not None:
                with database.reading(SYSTEM) as work:
                    found = duty.person(work, person)
                assert found is not None
                person_id = found["id"]
            secret = issue_token(database, SYSTEM, role=role, area=area, person_id=person_id).secret
            clients.append(
                httpx.Client(
                    base_url=base, headers={"Authorization": f"Bearer {secret}"}, timeout=60
                )
            )
            return clients[-1]

        yield open_door
        for one in clients:
            one.close()


def reported(
    client: httpx.Client,
    place: tuple[float, float],
    **more: Any,  # noqa: ANN401 - fields of the event
) -> dict[str, Any]:
    answer = client.post(
        "/v1/events",
        json={
            "source": "snap",
            "category": "event-exposed-rubbish",
            "title": "路口垃圾堆放",
            "location": {"lon": place[0], "lat": place[1]},
            "reporter": {"name": "张三", "phone": "13900000000"},
            **more,
        },
    )
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def act(
    client: httpx.Client,
    code: str,
    action: str,
    status: int = 200,
    **more: Any,  # noqa: ANN401 - whatever the action takes
) -> dict[str, Any]:
    answer = client.post(f"/v1/work-orders/{code}/actions", json={"action": action, **more})
    assert answer.status_code == status, answer.text
    return dict(answer.json())


def resolved_with_photos(client: httpx.Client, code: str, event: str) -> dict[str, Any]:
    """Resolve with one photo that was sent before and one that comes along; both are kept."""
    files = [("photos", ("before.jpg", photograph(seed=1), "image/jpeg"))]
    before = client.post(f"/v1/events/{event}/attachments", files=files).json()["items"][0]["id"]
    url = f"/v1/work-orders/{code}/actions"
    asked = {"action": "resolve", "note": "垃圾已清运。", "attachments": [before]}
    files = [("photos", ("after.jpg", photograph(seed=2), "image/jpeg"))]
    wrong = asked | {"attachments": [str(uuid.uuid4())]}
    refused = client.post(url, data={"body": json.dumps(wrong)}, files=files)
    assert (refused.status_code, refused.json()["type"]) == (404, "/problems/attachment-unknown")
    key = {"Idempotency-Key": f"resolve-{code}"}
    answers = [
        client.post(url, data={"body": json.dumps(asked)}, files=files, headers=key)
        for _again in range(2)
    ]
    assert [one.status_code for one in answers] == [200, 200], answers[0].text
    assert answers[0].json() == answers[1].json()
    entry = client.get(f"/v1/events/{event}/log").json()["items"][-1]
    assert entry["action"] == "resolve"
    assert len(entry["attachments"]) == 2
    for one in entry["attachments"]:
        assert client.get(one["thumbnail_url"]).headers["content-type"] == "image/jpeg"
    return dict(answers[0].json())


def test_a_case_from_snap_report_to_the_second_closing(  # noqa: PLR0915 - it is one story
    door: Door, city: SmallCity
) -> None:
    citizen = door("reporter")
    centre, checker = door("dispatcher"), door("dispatcher")
    first, second = door("grid_worker", person="P1"), door("grid_worker", person="P2")

    event = reported(citizen, city.inside(1))
    assert event["routing"] == "auto"
    code = event["work_orders"][0]["code"]

    order = first.get(f"/v1/work-orders/{code}").json()
    assert (order["status"], order["version"]) == ("dispatched", 1)
    assert order["allowed_actions"] == ["accept", "send_back", "escalate"]
    assert [c["stage"] for c in order["clocks"]] == ["accept", "handle"]
    assert second.get(f"/v1/work-orders/{code}").status_code == 404, "of another grid, not in hand"

    order = act(first, code, "accept", version=1)
    assert order["status"] == "handling"
    assert act(first, code, "accept", 409, version=1)["type"] == "/problems/version-stale"
    refused = act(first, code, "close", 409)
    assert refused["type"] == "/problems/action-not-allowed"
    assert refused["facts"]["allowed"] == ["send_back", "escalate", "resolve"]

    assert act(first, code, "send_back", 422)["facts"]["field"] == "ground"
    assert act(first, code, "send_back", 422, ground="不想去")["type"] == "/problems/ground-unknown"
    order = act(first, code, "send_back", ground="属地不符", note="在隔壁网格")
    assert order["status"] == "returned"
    assert order["assignee"]["name"] == "网格员1", "never an empty assignee"
    kept = order["returns"][0]["evidence"]
    assert kept["grid"] == city.grids[0]
    assert "边界版本 1" in kept["rule"]
    drawn = centre.get(kept["map"])
    assert drawn.headers["content-type"] == "image/svg+xml"
    assert city.grids[0] in drawn.text
    around = centre.get(kept["geojson"]).json()
    assert around["geojson"]["features"][-1]["geometry"]["type"] == "Point"

    order = act(centre, code, "escalate", note="两网格各执一词")
    assert order["status"] == "ruling"
    inside = door("dispatcher", area=city.grids[0])
    assert act(inside, code, "rule", 403, to={"grid": city.grids[1]}, note="x")["status"] == 403
    order = act(centre, code, "rule", to={"grid": city.grids[1]}, note="现场会商，归二网格")
    assert (order["status"], order["assignee"]["name"]) == ("dispatched", "网格员2")
    (taught,) = door("planner").get("/v1/learning/corrections").json()["items"]
    assert (taught["event"], taught["matched_grid"]) == (event["id"], city.grids[0])
    assert taught["confirmed_grid"] == city.grids[1]

    act(second, code, "accept")
    again = act(second, code, "send_back", 409, ground="not-my-territory")
    assert again["type"] == "/problems/ruling-final"
    assert act(second, code, "resolve", 422)["facts"]["field"] == "note"
    order = resolved_with_photos(second, code, event["id"])
    assert order["status"] == "resolved"
    assert act(second, code, "verify", 409)["type"] == "/problems/actor-is-handler"
    order = act(checker, code, "verify", note="现场已清洁")
    order = act(checker, code, "close")
    assert order["status"] == "closed"
    assert order["closed_at"]
    order = act(centre, code, "follow_up", satisfied=False, note="又堆起来了")
    assert (order["status"], order["round"], order["closed_at"]) == ("dispatched", 2, None)
    assert order["assignee"]["name"] == "网格员2", "the ruling holds for the second round"
    act(second, code, "accept")
    act(second, code, "resolve", note="增设垃圾箱。")
    act(door("grid_worker", area=city.grids[2]), code, "verify", 404)  # not theirs to see
    act(checker, code, "verify")
    act(checker, code, "close")
    assert act(centre, code, "follow_up", satisfied=True)["satisfied"] is True

    later = reported(citizen, city.inside(1))
    assert later["work_orders"][0]["assignee"]["name"] == "网格员2", "the next one goes right"
    other = later["work_orders"][0]["code"]
    act(second, other, "accept")
    assert act(second, other, "send_back", 409, ground="属地不符")["facts"]["by"]

    story = [entry["text"] for entry in centre.get(f"/v1/events/{event['id']}/log").json()["items"]]
    assert story[0] == "随手拍上报人上报案件，系统自动分派。"
    assert story[1].startswith("系统将案件派给南门社区网格员网格员1，时限 ")
    assert story[2] == "网格员1签收，开始办理。"
    assert story[3].startswith("网格员1以“属地不符”退单（在隔壁网格）。按边界版本 1，该点位于 ")
    assert story[3].endswith("等待重新派遣。")
    assert story[4] == "调度员提请上一级终审（两网格各执一词）。"
    assert story[5].startswith("调度员终审裁定由南门社区网格员网格员2办理（现场会商，归二网格）")
    assert story[7] == "网格员2补充照片 1 张。"
    assert story[8] == "网格员2反馈：垃圾已清运。附照片 2 张。"
    assert story[9] == "调度员核查通过（现场已清洁）。"
    assert story[10] == "调度员结案。"
    assert story[11] == "调度员回访，上报人表示不满意（又堆起来了）。"
    assert story[12].startswith("调度员重新办理（第 2 轮），南门社区网格员网格员2接办（回访不满意")
    assert len(story) == 18
    english = centre.get(f"/v1/events/{event['id']}/log", headers={"Accept-Language": "en"}).json()
    told = [one["text"] for one in english["items"]]
    assert told[0] == ("A reporter (snap report) reported the case; it was routed automatically.")
    assert told[2] == "网格员1 signed for it."
    assert told[10] == "The dispatcher closed it."


def test_the_second_return_of_one_ground_goes_up(door: Door, city: SmallCity) -> None:
    centre = door("dispatcher")
    workers = [door("grid_worker", person=f"P{n}") for n in (1, 2)]
    event = reported(centre, city.inside(1))
    code = event["work_orders"][0]["code"]
    act(workers[0], code, "send_back", ground="职能交叉")
    act(centre, code, "dispatch", to={"person": "P2"}, note="请二网格协助")
    order = act(workers[1], code, "send_back", ground="overlapping-duties")
    assert order["status"] == "ruling"
    assert [one["ground"] for one in order["returns"]] == ["overlapping-duties"] * 2
    act(centre, code, "dispatch", 409)
    order = act(centre, code, "rule", to={"unit": "U3"}, note="由城管局办理")
    assert order["unit"]["code"] == "U3"
    learned = door("planner").get("/v1/learning/corrections").json()["items"]
    assert learned == [], "whose duty it is says nothing of the place"
    # the next case of that category in that grid goes there at once, and stays there
    later = reported(centre, city.inside(1))
    assert later["work_orders"][0]["unit"]["code"] == "U3"
    officer = door("grid_worker", person="B1")
    refused = act(officer, later["work_orders"][0]["code"], "send_back", 409, ground="权属不清")
    assert refused["facts"]["reason"] == "由城管局办理"
    elsewhere = reported(centre, city.inside(2))
    assert elsewhere["work_orders"][0]["unit"]["code"] == "U1"


def test_a_waiting_event_is_confirmed_moved_and_recategorised(door: Door, city: SmallCity) -> None:
    centre = door("dispatcher")
    event = reported(
        centre,
        city.corner,
        location={"lon": city.corner[0], "lat": city.corner[1], "accuracy_m": 100},
    )
    assert (event["routing"], event["status"]) == ("review", "review")
    assert "confirm_grid" in event["allowed_actions"]
    url = f"/v1/events/{event['id']}/actions"
    answer = centre.post(url, json={"action": "confirm_grid", "grid": "341102001001999"})
    assert answer.status_code == 422
    event = centre.post(url, json={"action": "confirm_grid", "grid": city.grids[2]}).json()
    assert (event["status"], event["grid"]) == ("dispatched", city.grids[2])
    assert event["work_orders"][0]["assignee"]["name"] == "网格员3"
    assert event["work_orders"][0]["version"] == 1, "every version has its entry in the log"
    lon, lat = city.inside(1)
    event = centre.post(url, json={"action": "move", "location": {"lon": lon, "lat": lat}}).json()
    assert event["grid"] == city.grids[0]
    assert [o["assignee"]["name"] for o in event["work_orders"]] == ["网格员1"]
    event = centre.post(url, json={"action": "recategorise", "category": "event-dirty-road"}).json()
    assert event["category"] == "event-dirty-road"
    assert centre.post(url, json={"action": "recategorise", "category": "x"}).status_code == 422
    lon, lat = city.inside(4)
    event = centre.post(url, json={"action": "move", "location": {"lon": lon, "lat": lat}}).json()
    assert [o["assignee"]["name"] for o in event["work_orders"]] == ["社区干部甲"]
    outside = {"action": "move", "location": {"lon": 118.5, "lat": 32.25}}
    event = centre.post(url, json=outside).json()
    assert event["status"] == "returned", "it stays in a visible queue, with its last assignee"
    log = centre.get(f"/v1/events/{event['id']}/log").json()["items"]
    assert [entry["action"] for entry in log] == [
        "report", "confirm_grid", "move", "recategorise", "move", "move",
    ]  # fmt: skip


def test_duplicates_point_to_the_first_report_and_never_in_a_circle(
    door: Door, city: SmallCity
) -> None:
    centre = door("dispatcher")
    a, b, c = (reported(centre, city.inside(1)) for _ in range(3))

    def mark(event: dict[str, Any], of: str) -> httpx.Response:
        return centre.post(
            f"/v1/events/{event['id']}/actions", json={"action": "mark_duplicate", "of": of}
        )

    assert mark(b, a["number"]).json()["duplicate_of"] == a["id"]
    assert mark(c, b["id"]).json()["duplicate_of"] == a["id"], "a duplicate of a duplicate"
    root = reported(centre, city.inside(1))
    assert mark(a, root["number"]).json()["duplicate_of"] == root["id"]
    followed = centre.get(f"/v1/events/{b['id']}").json()
    assert followed["duplicate_of"] == root["id"], "what was joined to it follows"
    assert mark(root, b["id"]).status_code == 422
    assert mark(root, root["id"]).status_code == 422
    assert mark(root, "nobody").status_code == 404
    seen = centre.get(f"/v1/events/{b['id']}").json()
    assert (seen["status"], seen["work_orders"][0]["status"]) == ("duplicate", "duplicate")
    assert seen["reporter"]["name"] == "张三", "no reporter is lost"


def test_lists_keep_to_the_area_and_to_the_person(door: Door, city: SmallCity) -> None:
    centre = door("dispatcher")
    codes = [reported(centre, city.inside(n))["work_orders"][0]["code"] for n in (1, 1, 2)]
    worker = door("grid_worker", person="P1", area=city.grids[0])
    mine = worker.get("/v1/work-orders?assignee=me").json()
    assert [one["code"] for one in mine["items"]] == codes[1::-1]
    page = centre.get("/v1/work-orders?limit=2").json()
    rest = centre.get(page["next"]).json()
    assert [one["code"] for one in page["items"] + rest["items"]] == codes[::-1]
    assert worker.get(f"/v1/work-orders/{codes[2]}").status_code == 404
    assert (
        worker.post(f"/v1/work-orders/{codes[2]}/actions", json={"action": "accept"}).status_code
        == 404
    )
    assert "total" not in page
    for path in ("/v1/work-orders", "/v1/events"):
        whole = centre.get(f"{path}?limit=200").json()["items"]
        some = centre.get(f"{path}?limit=1&count=true").json()
        assert (some["total"], len(some["items"])) == (len(whole), 1)
    assert centre.get("/v1/work-orders?overdue=true&count=true").json()["total"] == 0
    assert centre.get("/v1/work-orders?overdue=true").json()["items"] == []
    assert (
        len(centre.get(f"/v1/work-orders?area={COMMUNITY}&status=dispatched").json()["items"]) == 3
    )
    assert len(centre.get("/v1/work-orders?assignee=网格员2").json()["items"]) == 1
    event = worker.get(f"/v1/work-orders/{codes[0]}").json()["event"]["id"]
    assert worker.get(f"/v1/events/{event}").json()["reporter"]["phone"] == "13900000000"
    other = door("grid_worker", area=COMMUNITY)  # a token that names no person, hence no unit
    assert "reporter" not in other.get(f"/v1/events/{event}").json()


def test_a_workers_token_reaches_as_far_as_their_duties(
    door: Door, city: SmallCity, database: Database
) -> None:
    centre = door("dispatcher")
    first, second = (reported(centre, city.inside(n)) for n in (1, 2))
    worker, cadre = door("grid_worker", person="P1"), door("grid_worker", person="C1")

    codes = [one["work_orders"][0]["code"] for one in (first, second)]
    assert seen_orders(worker) == {codes[0]}
    assert seen_orders(cadre) == set(codes)
    for client, wanted in ((worker, {first["id"]}), (cadre, {first["id"], second["id"]})):
        assert {one["id"] for one in client.get("/v1/events").json()["items"]} == wanted
    assert worker.get(f"/v1/events/{second['id']}").status_code == 404
    code = codes[1]
    act(worker, code, "accept", 404)
    unknown = act(centre, code, "transfer", 422, to={"unit": "U-NONE"}, note="代管")
    assert unknown["facts"]["reason_zh"] == "没有这个单位。"
    # in hand is theirs to see and to do, wherever it lies
    act(centre, code, "transfer", to={"person": "P1"}, note="代管")
    assert seen_orders(worker) == set(codes)
    assert worker.get(f"/v1/events/{second['id']}").status_code == 200
    assert worker.get(f"/v1/events/{second['id']}/log").status_code == 200
    assert act(worker, code, "accept")["status"] == "handling"
    # from where they stand they may report what is on the other side of the street, and again
    across = reported(worker, city.inside(2), source_ref="A1")
    assert across["grid"] == city.grids[1]
    lon, lat = city.inside(2)
    body = {"source": "snap", "source_ref": "A1", "location": {"lon": lon, "lat": lat}}
    again = worker.post("/v1/events", json=body)
    assert (again.status_code, again.json()["id"]) == (200, across["id"])
    assert worker.get(f"/v1/events/{across['id']}").status_code == 404
    with database.transaction(SYSTEM) as work:
        work.execute(sa.text("delete from duties where person_id = 3"))
    nobody = door("grid_worker", person="P3")
    assert nobody.get("/v1/work-orders").json()["items"] == []
    assert nobody.get(f"/v1/events/{first['id']}").status_code == 404


def test_a_workers_token_that_names_nobody_and_no_area_sees_no_case(
    door: Door, city: SmallCity
) -> None:
    """It is handed around: whoever finds it must not read the city's cases."""
    centre, nobody = door("dispatcher"), door("grid_worker")
    first = reported(centre, city.inside(1))
    code = first["work_orders"][0]["code"]
    assert seen_orders(nobody) == set()
    assert nobody.get("/v1/events").json()["items"] == []
    assert nobody.get(f"/v1/events/{first['id']}").status_code == 404
    assert nobody.get(f"/v1/events/{first['id']}/log").status_code == 404
    act(nobody, code, "accept", 404)
    own = reported(nobody, city.inside(2), source_ref="N1")
    assert own["grid"] == city.grids[1], "who is at no grid may still report"
    assert seen_orders(centre) >= {code}
    assert seen_orders(door("grid_worker", area=city.grids[0])) == {code}


def seen_orders(client: httpx.Client) -> set[str]:
    return {one["code"] for one in client.get("/v1/work-orders").json()["items"]}


def test_extensions_and_suspensions_keep_their_rules(door: Door, city: SmallCity) -> None:
    centre, worker = door("dispatcher"), door("grid_worker", person="P1")
    local = door("dispatcher", area=city.grids[0])
    code = reported(centre, city.inside(1))["work_orders"][0]["code"]
    more = {"amount": 2, "unit": "work_hours", "note": "需机械"}
    act(centre, code, "extend", 409, **more)
    act(worker, code, "accept")
    act(worker, code, "extend", 403, **more)
    assert act(centre, code, "extend", 422, **more | {"unit": "years"})["type"].endswith(
        "limit-invalid"
    )
    assert act(centre, code, "extend", 409, **more | {"amount": 40})["type"].endswith("refused")
    order = act(local, code, "extend", **more)
    assert order["counts"]["extensions"] == 1
    assert act(local, code, "extend", 409, **more)["facts"]["reason_en"].startswith("a second one")
    act(centre, code, "extend", **more)
    assert act(centre, code, "extend", 409, **more)["type"].endswith("extension-refused")
    yesterday = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    act(centre, code, "suspend", 422, note="冬季", until=yesterday)
    order = act(centre, code, "suspend", note="冬季不能施工", until="2027-03-01T09:00:00+08:00")
    handle = next(c for c in order["clocks"] if c["stage"] == "handle")
    assert (handle["running"], order["status"]) == (False, "suspended")
    order = act(worker, code, "resume")
    handle = next(c for c in order["clocks"] if c["stage"] == "handle")
    assert (handle["running"], order["status"]) == (True, "handling")
