"""Photos through the door: with a report, added later, shown to whom they may be shown."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from PIL import Image

from api.app import create_app
from gis.governance.actors import SYSTEM
from gis.services.access import issue_token
from gis.services.match_request import Location, MatchRequest
from gis.settings import Settings
from gis.store.unit_of_work import Database
from tests.factories import COMMUNITY, SIDE, SOUTH, WEST, SmallCity, small_city
from tests.photographs import SERIAL, photograph

Header = Callable[..., dict[str, str]]


@pytest.fixture
def city(database: Database) -> SmallCity:
    return small_city(database)


@pytest.fixture
def door(database: Database, city: SmallCity, settings: Settings) -> Iterator[TestClient]:
    with TestClient(create_app(settings, database)) as client:
        yield client


@pytest.fixture
def header(database: Database) -> Header:
    def issue(role: str = "dispatcher", area: str | None = None) -> dict[str, str]:
        return {
            "Authorization": "Bearer "
            + issue_token(database, SYSTEM, role=role, area=area, days=1).secret
        }

    return issue


def count(database: Database, table: str) -> int:
    with database.reading(SYSTEM) as work:
        return int(work.scalar(sa.text(f"select count(*) from {table}")))


def test_a_photo_alone_places_the_event(door: TestClient, header: Header, city: SmallCity) -> None:
    begun = datetime.now(UTC).replace(microsecond=0)  # EXIF tells whole seconds
    answer = door.post(
        "/v1/events",
        headers=header(),
        data={"event": json.dumps({"source": "snap", "title": "井盖缺失"})},
        files=[("photos", ("a.jpg", photograph(city.inside(2), error_m=8), "image/jpeg"))],
    )
    assert answer.status_code == 201, answer.text
    event = answer.json()
    assert event["grid"] == city.grids[1]
    assert event["location"]["crs"] == "WGS84"
    assert event["location"]["accuracy_m"] == 8
    first = event["match"]["reasons"][0]
    assert first["code"] == "position-from-photo"
    assert "照片" in first["text"]
    (attachment,) = event["attachments"]
    taken = datetime.fromisoformat(attachment["taken_at"])
    assert begun <= taken <= datetime.now(UTC)
    assert attachment["position"]["accuracy_m"] == 8
    again = door.get(f"/v1/events/{event['id']}", headers=header()).json()
    assert again == {**event, "duplicates": [], "other_reporters": []}
    listed = door.get("/v1/events", headers=header()).json()["items"]
    assert listed == [event]


def test_an_old_photo_places_nothing_by_itself(
    door: TestClient, header: Header, city: SmallCity
) -> None:
    old = photograph(city.inside(2), error_m=8, taken="2020:05:01 09:30:00")
    event = door.post(
        "/v1/events", headers=header(), data={"source": "snap"}, files={"f": ("a.jpg", old)}
    ).json()
    assert event["routing"] == "review"
    assert event["match"]["candidates"][0]["code"] == city.grids[1]


def test_a_pin_wins_over_the_photo(door: TestClient, header: Header, city: SmallCity) -> None:
    lon, lat = city.inside(1)
    event = door.post(
        "/v1/events",
        headers=header("reporter"),
        data={"source": "snap", "lon": str(lon), "lat": str(lat), "reporter_name": "张三"},
        files={"file": ("a.png", photograph(city.inside(3), kind="PNG"), "image/png")},
    ).json()
    assert event["grid"] == city.grids[0], event["match"]
    assert "position-from-photo" not in [r["code"] for r in event["match"]["reasons"]]
    assert "position" not in event["attachments"][0], "a reporter is not told of the EXIF"


def test_a_photo_beside_a_pin_is_weighed_with_it(
    door: TestClient, header: Header, city: SmallCity, database: Database
) -> None:
    """A pin 20 m inside a grid, good to 60 m; the photo was taken there, too, good to 5 m."""
    east, north = WEST + SIDE - 0.0002, SOUTH + 0.5 * SIDE
    data = {"event": json.dumps({"source": "snap", "location": {
        "lon": east, "lat": north, "crs": "WGS84", "accuracy_m": 60}})}  # fmt: skip
    alone = door.post("/v1/events", headers=header(), data=data, files={}).json()
    assert (alone["routing"], alone["match"]["ambiguous"]) == ("review", False)
    files = {"f": ("a.jpg", photograph((east, north), error_m=5))}
    event = door.post("/v1/events", headers=header(), data=data, files=files).json()
    surer = [one["match"]["candidates"][0]["probability"] for one in (alone, event)]
    assert surer[1] > 0.9 > surer[0]
    assert event["match"]["candidates"][0]["code"] == city.grids[0]
    assert "photo" in event["match"]["candidates"][0]["evidence"]
    assert "pin-photo-agree" in [reason["code"] for reason in event["match"]["reasons"]]
    assert event["location"] == alone["location"], "where the photo was taken is not told with it"
    with database.reading(SYSTEM) as work:
        kept = work.scalar(
            sa.text("select raw_location from events where number = :n"), n=event["number"]
        )
        assert kept["photo"]["accuracy_m"] == 5
    again = MatchRequest.of_kept(kept)
    assert (again.location, again.photo is None) == (Location(east, north, "WGS84", 60), False)


def test_a_photo_far_from_the_pin_is_told_and_the_pin_wins(
    door: TestClient, header: Header, city: SmallCity
) -> None:
    lon, lat = city.inside(1)
    said = {"source": "snap", "location": {"lon": lon, "lat": lat, "crs": "WGS84", "accuracy_m": 9}}
    files = {"f": ("a.jpg", photograph(city.inside(4), error_m=8))}
    event = door.post(
        "/v1/events", headers=header(), data={"event": json.dumps(said)}, files=files
    ).json()
    assert (event["routing"], event["grid"]) == ("auto", city.grids[0])
    (told,) = [r for r in event["match"]["reasons"] if r["code"] == "evidence-conflict"]
    assert told["facts"]["between"] == ["pin", "photo"]
    assert told["facts"]["distance_m"] > 900


def test_pictures_are_shown_clean_and_safely(
    door: TestClient, header: Header, city: SmallCity
) -> None:
    event = door.post(
        "/v1/events",
        headers=header(),
        data={"source": "snap"},
        files={"f": ("<script>.html", photograph(city.inside(1), orientation=6), "text/html")},
    ).json()
    (attachment,) = event["attachments"]
    shown = door.get(attachment["url"], headers=header("grid_worker", COMMUNITY))
    assert shown.headers["content-type"] == "image/jpeg"
    assert shown.headers["content-disposition"] == f'inline; filename="{attachment["id"]}.jpg"'
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in shown.headers["content-security-policy"]
    assert SERIAL.encode() not in shown.content
    assert Image.open(io.BytesIO(shown.content)).size == (480, 640)
    small = door.get(attachment["thumbnail_url"], headers=header())
    assert max(Image.open(io.BytesIO(small.content)).size) == 320
    assert door.get(attachment["url"]).status_code == 401
    assert door.get(attachment["url"], headers=header("viewer")).status_code == 403
    elsewhere = door.get(attachment["url"], headers=header("grid_worker", f"{COMMUNITY}002"))
    assert elsewhere.status_code == 404
    assert elsewhere.json()["type"] == "/problems/attachment-unknown"


def test_photos_are_added_once_and_logged(
    door: TestClient, header: Header, city: SmallCity, database: Database
) -> None:
    lon, lat = city.inside(1)
    event = door.post(
        "/v1/events",
        headers=header(),
        json={"source": "snap", "location": {"lon": lon, "lat": lat}},
    ).json()
    url = f"/v1/events/{event['id']}/attachments"
    files = [("photos", ("a.jpg", photograph(seed=n), "image/jpeg")) for n in (1, 2)]
    first = door.post(url, headers=header("grid_worker", COMMUNITY), files=files)
    again = door.post(url, headers=header("grid_worker", COMMUNITY), files=files)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert len(first.json()["items"]) == 2
    assert count(database, "attachments") == 2
    log = door.get(f"/v1/events/{event['id']}/log", headers=header()).json()["items"]
    assert [entry["action"] for entry in log] == ["report", "dispatch", "attach"]
    assert door.post(url, headers=header("viewer"), files=files).status_code == 403
    far = door.post(url, headers=header("grid_worker", f"{COMMUNITY}002"), files=files)
    assert far.status_code == 404
    keyed = {**header(), "Idempotency-Key": "k1"}
    third = [("photos", ("c.jpg", photograph(seed=3), "image/jpeg"))]
    one, two = (
        door.post(url, headers=keyed, files=third),
        door.post(url, headers=keyed, files=third),
    )
    assert (one.status_code, two.status_code) == (201, 201)
    assert two.headers["Idempotency-Replayed"] == "true"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"\x00\x00\x00\x18ftypheic" + bytes(64), "photo-heic"),
        (b"not a picture", "photo-unreadable"),
    ],
)
def test_a_bad_photo_writes_nothing(
    door: TestClient, header: Header, database: Database, content: bytes, code: str
) -> None:
    lon, lat = SmallCity().inside(1)
    answer = door.post(
        "/v1/events",
        headers=header(),
        data={"event": json.dumps({"source": "snap", "location": {"lon": lon, "lat": lat}})},
        files=[("photos", ("a.jpg", photograph())), ("photos", ("b.jpg", content))],
    )
    assert answer.status_code == 422
    assert answer.json()["type"] == f"/problems/{code}"
    assert answer.json()["facts"]["number"] == 2
    assert count(database, "event_registry") == count(database, "attachments") == 0


@pytest.mark.parametrize(
    ("data", "path"),
    [
        ({"event": "{"}, "event"),
        ({"event": "[]"}, ""),
        ({"source": "snap", "lon": "x", "lat": "32"}, "location.lon"),
        ({"source": "snap", "location": "[1"}, "location"),
        ({"title": "x"}, "source"),
    ],
)
def test_a_bad_form_is_refused_with_the_place(
    door: TestClient, header: Header, data: dict[str, str], path: str
) -> None:
    answer = door.post(
        "/v1/events", headers=header(), data=data, files={"f": ("a.jpg", photograph())}
    )
    assert answer.status_code == 422
    assert path in [error["path"] for error in answer.json()["facts"]["errors"]]


def test_a_request_without_a_photo_is_told_so(door: TestClient, header: Header) -> None:
    url = "/v1/events/00000000-0000-0000-0000-000000000000/attachments"
    empty = door.post(url, headers=header(), data={"note": "x"})
    unknown = door.post(url, headers=header(), files={"f": ("a.jpg", photograph())})
    assert (empty.status_code, unknown.status_code) == (422, 404)
