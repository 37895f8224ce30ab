"""Open311 GeoReport v2 as a plain HTTP client meets it: JSON and XML, keys, ids, errors."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import urlopen

import httpx
import jsonschema
import pytest
import sqlalchemy as sa

from api.app import create_app
from gis.cluster import Cluster
from gis.governance import service_attributes
from gis.governance.actors import SYSTEM
from gis.governance.categories import load_default
from gis.services.access import issue_token
from gis.settings import Settings
from gis.store import categories
from gis.store.unit_of_work import Database
from tests.api.open311_desk import BASE, FORM, Desk, as_json, as_text, opened, parsed
from tests.api.open311_schemas import SCHEMAS
from tests.conftest import cloned, serving
from tests.factories import COMMUNITY, small_city
from tests.photographs import photograph

KEYS = {
    "service_request_id", "status", "status_notes", "service_name", "service_code", "description",
    "agency_responsible", "service_notice", "requested_datetime", "updated_datetime",
    "expected_datetime", "address", "address_id", "zipcode", "lat", "long", "media_url",
}  # fmt: skip


@pytest.fixture
def desk(database: Database, settings: Settings) -> Iterator[Desk]:
    with opened(database, settings) as own:
        yield own


@pytest.fixture(scope="module")
def counter(cluster: Cluster, template: str, settings: Settings) -> Iterator[Desk]:
    """A desk for all tests that leave nothing behind."""
    with cloned(cluster, template) as database, opened(database, settings) as shared:
        yield shared


def test_create_token_read_update_round_trip(desk: Desk) -> None:
    number = desk.create(
        description="路口垃圾堆放", first_name="三", last_name="张", phone="19900000000",
        **{"attribute[kind_of_rubbish]": ["household", "bulky"]},
    )  # fmt: skip
    (read,) = desk.get(f"requests/{number}.json")
    assert set(read) == KEYS
    assert (read["service_request_id"], read["status"]) == (number, "open")
    assert read["service_code"] == "event-exposed-rubbish"
    assert read["description"] == "路口垃圾堆放"
    assert read["agency_responsible"] == "南门社区"
    assert (read["long"], read["lat"]) == desk.city.inside(1)
    for name in ("requested_datetime", "updated_datetime", "expected_datetime"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+08:00", read[name])
    with desk.database.transaction(SYSTEM) as work:
        work.execute(sa.text("update events set status = 'closed' where number = :n"), n=number)
        work.execute(
            sa.text(
                "insert into log_entries (event_id, actor_id, actor_role, action, at) select id, "
                "'x', 'dispatcher', 'close', now() + interval '1 hour' from events "
                "where number = :n"
            ),
            n=number,
        )
    (closed,) = desk.get(f"requests/{number}.json")
    assert closed["status"] == "closed"
    assert closed["updated_datetime"] > read["updated_datetime"]
    with desk.database.reading(SYSTEM) as work:
        kept = work.rows(sa.text("select attributes from open311_requests"))
    assert [row["attributes"] for row in kept] == [{"kind_of_rubbish": ["household", "bulky"]}]


def test_a_plain_client_creates_reads_and_hears_of_the_end(
    database: Database, settings: Settings
) -> None:
    """Through HTTP only, by the standard library: what a system next door would write."""
    city = small_city(database)
    key, centre = (issue_token(database, SYSTEM, role=r).secret for r in ("reporter", "dispatcher"))
    worker = issue_token(database, SYSTEM, role="grid_worker", person="P1").secret
    with serving(create_app(settings, database)) as base:

        def ask(path: str, form: dict[str, Any] | None = None) -> tuple[int, bytes]:
            data = None if form is None else urlencode(form).encode()
            try:
                with urlopen(f"{base}{BASE}/{path}", data) as answer:  # noqa: S310 - our server
                    return answer.status, answer.read()
            except HTTPError as error:
                return error.code, error.read()

        def valid(  # noqa: ANN202 - JSON
            name: str, path: str, form: dict[str, Any] | None = None, status: int = 200
        ):
            got, content = ask(path, form)
            assert got == status, content
            jsonschema.validate(json.loads(content), SCHEMAS[name])
            return json.loads(content)

        def act(secret: str, action: str, **more: str) -> None:
            (event,) = httpx.get(f"{base}/v1/events", headers=_bearer(centre), timeout=60).json()[
                "items"
            ]
            code = event["work_orders"][0]["code"]
            answer = httpx.post(
                f"{base}/v1/work-orders/{code}/actions",
                headers=_bearer(secret),
                json={"action": action, **more},
                timeout=60,
            )
            assert answer.status_code == 200, answer.text

        valid("discovery", "discovery.json")
        for each in valid("services", "services.json"):
            if each["metadata"]:
                valid("service", f"services/{each['service_code']}.json")
        lon, lat = city.inside(1)
        told = {"service_code": "event-exposed-rubbish", "lat": lat, "long": lon}
        told |= {"api_key": key, "description": "路口垃圾堆放"}
        (made,) = valid("created", "requests.json", told, 201)
        (found,) = valid("tokens", f"tokens/{made['token']}.json")
        number = found["service_request_id"]
        (first,) = valid("requests", f"requests/{number}.json")
        assert (first["status"], first["description"]) == ("open", "路口垃圾堆放")
        act(worker, "accept")
        act(worker, "resolve", note="已清运")
        (handled,) = valid("requests", f"requests/{number}.json")
        assert handled["status"] == "open", "handled is not checked yet"
        assert handled["updated_datetime"] >= first["updated_datetime"]
        act(centre, "verify")
        act(centre, "close")
        (closed,) = valid("requests", f"requests/{number}.json")
        assert closed["status"] == "closed"
        status, marked = ask(f"requests/{number}.xml")
        assert (status, as_json(parsed(marked))) == (200, as_text([closed]))
        valid("errors", "requests.json", told | {"service_code": ""}, 400)
        valid("errors", "requests.json", told | {"api_key": "wrong"}, 403)
        valid("errors", "requests/unknown.json", None, 404)


def _bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def test_nobody_is_shown_in_public(desk: Desk) -> None:
    number = desk.create(
        description="请联系张三 13812345678，身份证 341102199001011234",
        phone="13812345678", first_name="Bob", last_name="Smith", email="bob@example.org",
    )  # fmt: skip
    for form in ("json", "xml"):
        text = desk.client.get(f"{BASE}/requests/{number}.{form}").text
        for secret in ("13812345678", "341102199001011234", "Smith", "bob@", "网格员"):
            assert secret not in text
    lon, lat = desk.city.inside(2)
    desk.client.post(
        "/v1/events",
        headers={"Authorization": f"Bearer {desk.key}"},
        json={"source": "hotline-12345", "description": "邻居李四吵架", "address": "南门口 3 号",
              "location": {"lon": lon, "lat": lat}},
    )  # fmt: skip
    assert "李四" not in desk.client.get(f"{BASE}/requests.json").text
    assert "南门口" not in desk.client.get(f"{BASE}/requests.json").text
    handler = issue_token(desk.database, SYSTEM, role="dispatcher").secret
    told = desk.client.get(f"{BASE}/requests.json", params={"api_key": handler})
    assert "李四" in told.text


PATHS = (
    "discovery",
    "services",
    "services/component-manhole-cover",
    "services/event-fire",
    "requests",
)


@pytest.mark.parametrize("path", PATHS)
def test_xml_says_what_json_says(desk: Desk, path: str) -> None:
    for number in range(3):
        desk.create(description=f"<b>&amp; {number} \x0b]]>", address_string="南门口")
    found = desk.client.get(f"{BASE}/{path}.json")
    marked = desk.client.get(f"{BASE}/{path}.xml")
    assert found.headers["content-type"].startswith("application/json")
    assert marked.headers["content-type"].startswith("text/xml")
    assert marked.content.startswith(b'<?xml version="1.0" encoding="utf-8"?>')
    assert b"xmlns" not in marked.content
    said = json.loads(json.dumps(as_text(found.json())).replace("\\u000b", "\\ufffd"))
    assert as_json(parsed(marked.content)) == said
    assert isinstance(found.json(), dict if path.startswith(("disc", "services/")) else list)


def test_post_answers_in_xml_too(desk: Desk) -> None:
    answer = desk.post("xml")
    root = parsed(answer.content)
    assert (root.tag, root[0].tag) == ("service_requests", "request")
    token = root.findtext("request/token")
    found = parsed(desk.client.get(f"{BASE}/tokens/{token}.xml").content)
    assert found.findtext("request/token") == token
    assert found.findtext("request/service_request_id")


def test_services_are_the_categories_and_ask_their_questions(counter: Desk) -> None:
    listed = counter.get("services.json")
    assert {each["service_code"] for each in listed} == {c.key for c in load_default()}
    for each in listed:
        assert set(each) == {"service_code", "service_name", "description", "metadata", "type",
                             "keywords", "group"}  # fmt: skip
        asked = counter.get(f"services/{each['service_code']}.json")
        assert asked["service_code"] == each["service_code"]
        assert bool(asked["attributes"]) == each["metadata"]
    cover = counter.get("services/component-manhole-cover.json")["attributes"]
    assert [each["order"] for each in cover] == [1, 2]
    assert cover[0]["values"][0] == {"key": "missing", "name": "缺失"}
    english = counter.client.get(f"{BASE}/services.json", headers={"Accept-Language": "en"}).json()
    assert "Fire" in {each["service_name"] for each in english}


def test_questions_belong_to_categories_that_exist() -> None:
    known = {category.key for category in load_default()}
    assert {each.service_code for each in service_attributes.load_default()} <= known


def test_codes_with_leading_zeros_survive(desk: Desk) -> None:
    with desk.database.transaction(SYSTEM) as work:
        categories.replace_all(
            work, [replace(category, key=f"00{n}") for n, category in enumerate(load_default())]
        )
    number = desk.create(service_code="001")
    (read,) = desk.get(f"requests/{number}.json")
    assert read["service_code"] == "001"
    assert [row["service_request_id"] for row in desk.get("requests.json", service_code="001")] == [
        number
    ]
    assert desk.get("requests.json", service_code="1") == []
    root = parsed(desk.client.get(f"{BASE}/services.xml").content)
    assert "001" in [each.text for each in root.iter("service_code")]


def test_ids_override_every_other_filter(desk: Desk) -> None:
    numbers = [desk.create() for _ in range(3)]
    listed = desk.get(
        "requests.json",
        service_request_id=",".join(numbers[:2]),
        status="closed",
        service_code="none",
        end_date="2001-01-01T00:00:00Z",
    )
    assert {row["service_request_id"] for row in listed} == set(numbers[:2])
    assert desk.get("requests.json", service_request_id="0000") == []
    both = desk.get(f"requests/{numbers[0]},{numbers[1]}.json")
    assert [row["service_request_id"] for row in both] == numbers[:2]


def test_filters_and_the_default_window(desk: Desk) -> None:
    number = desk.create()
    desk.create(service_code="event-open-burning")
    desk.age(number, 100)
    ids = {row["service_request_id"] for row in desk.get("requests.json")}
    assert f"{number}-old" not in ids
    assert len(ids) == 2
    old = datetime.now().astimezone() - timedelta(days=101)
    found = desk.get("requests.json", start_date=old.isoformat(timespec="seconds"))
    assert [row["service_request_id"] for row in found] == [f"{number}-old"] or len(found) == 3
    assert found[-1]["service_request_id"] == f"{number}-old"
    bare = old.strftime("%Y-%m-%dT%H:%M:%S 00:00")  # a plus that was not escaped
    answer = desk.client.get(f"{BASE}/requests.json?start_date={bare.replace(' ', '+')}")
    assert answer.status_code == 200
    assert len(desk.get("requests.json", service_code="event-open-burning")) == 1
    assert len(desk.get("requests.json", status="open")) == 2
    assert desk.get("requests.json", status="closed") == []
    assert len(desk.get("requests.json", status="open,closed", service_code="", start_date="")) == 2
    assert len(desk.get("requests.json", page_size="1", page="2")) == 1
    assert desk.get("requests.json", jurisdiction_id="341102") != []
    assert desk.get("requests.json", jurisdiction_id="") != []


@pytest.mark.parametrize("form", ["json", "xml"])
@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"api_key": None}, 403),
        ({"api_key": "gwt_wrong"}, 403),
        ({"api_key": "viewer"}, 403),
        ({"service_code": None}, 400),
        ({"service_code": ""}, 400),
        ({"service_code": "none"}, 404),
        ({"lat": None, "long": None}, 400),
        ({"lat": "x"}, 400),
        ({"long": None}, 400),
        ({"lat": "91"}, 400),
        ({"lat": "118.25", "long": "32.25"}, 400),
        ({"jurisdiction_id": "999999"}, 404),
        ({"media_url": "javascript:alert(1)"}, 400),
        ({"attribute[nothing]": "x"}, 400),
        ({"attribute[kind_of_rubbish]": "gold"}, 400),
        ({"description": "x" * 4001}, 400),
    ],
)
def test_bad_posts_are_refused_in_open311s_words(
    counter: Desk, form: str, change: dict[str, str | None], status: int
) -> None:
    if change.get("api_key") == "viewer":
        change = {"api_key": issue_token(counter.database, SYSTEM, role="viewer").secret}
    answer = counter.post(form, **change)
    assert answer.status_code == status, answer.text
    if form == "json":
        errors = answer.json()
        assert isinstance(errors, list)
        assert [set(error) for error in errors] == [{"code", "description"}] * len(errors)
        assert {error["code"] for error in errors} == {status}
    else:
        root = parsed(answer.content)
        assert root.tag == "errors"
        assert {each.findtext("code") for each in root} == {str(status)}
        assert all(each.findtext("description") for each in root)
    with counter.database.reading(SYSTEM) as work:
        assert work.scalar(sa.text("select count(*) from event_registry")) == 0


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("services/none.json", 404),
        ("requests/none.json", 404),
        ("tokens/none.json", 404),
        ("tokens/00000000-0000-0000-0000-000000000000.xml", 404),
        ("requests.json?status=done", 400),
        ("requests.json?start_date=yesterday", 400),
        ("requests.json?page=0", 400),
        ("requests.json?jurisdiction_id=999999", 404),
        ("requests.json?api_key=wrong", 403),
        ("requests.yaml", 400),
        ("requests", 404),
    ],
)
def test_bad_reads_are_refused_in_open311s_words(counter: Desk, path: str, status: int) -> None:
    answer = counter.client.get(f"{BASE}/{path}")
    assert answer.status_code == status, answer.text
    if ".xml" in path:
        assert parsed(answer.content).findtext("error/code") == str(status)
    else:
        assert answer.json()[0]["code"] == status


def test_an_address_alone_or_a_photo_alone_is_enough(desk: Desk) -> None:
    number = desk.create(lat=None, long=None, address_string="南门口 3 号")
    (read,) = desk.get(f"requests/{number}.json")
    assert (read["lat"], read["address"]) == (None, "南门口 3 号")
    answer = desk.client.post(
        f"{BASE}/requests.json",
        data={"service_code": "event-fire", "api_key": desk.key},
        files={"media": ("a.jpg", photograph(desk.city.inside(2)), "image/jpeg")},
    )
    assert answer.status_code == 201, answer.text
    (found,) = desk.get(f"tokens/{answer.json()[0]['token']}.json")
    (read,) = desk.get(f"requests/{found['service_request_id']}.json")
    assert (read["long"], read["lat"]) == pytest.approx(desk.city.inside(2), abs=1e-7)
    assert read["media_url"] is None, "photos are for those who handle the case"
    worker = issue_token(desk.database, SYSTEM, role="grid_worker", area=COMMUNITY).secret
    (read,) = desk.client.get(
        f"{BASE}/requests/{found['service_request_id']}.json", params={"api_key": worker}
    ).json()
    assert read["media_url"].startswith("http://testserver/v1/attachments/")


def test_a_form_that_a_client_did_not_escape_is_read_as_utf8(desk: Desk) -> None:
    lon, lat = desk.city.inside(1)
    body = f"service_code=event-fire&lat={lat}&long={lon}&description=冒烟&api_key={desk.key}"
    made = desk.client.post(f"{BASE}/requests.json", content=body.encode(), headers=FORM)
    assert made.status_code == 201
    assert desk.get("requests.json")[0]["description"] == "冒烟"


def test_a_key_given_in_the_header_counts_as_well(desk: Desk) -> None:
    answer = desk.client.post(
        f"{BASE}/requests.json",
        data={"service_code": "event-fire", "address_string": "x"},
        headers={"Authorization": f"Bearer {desk.key}"},
    )
    assert answer.status_code == 201
