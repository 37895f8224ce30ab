"""A desk of Open311: a client of a small city that files requests, and readers of its answers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import sqlalchemy as sa
from fastapi.testclient import TestClient

from api.app import create_app
from api.open311_format import SINGULAR
from gis.governance.actors import SYSTEM
from gis.services.access import issue_token
from gis.settings import Settings
from gis.store.unit_of_work import Database
from tests.factories import SmallCity, small_city

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
BASE = "/open311/v2"


@dataclass
class Desk:
    client: TestClient
    database: Database
    city: SmallCity
    key: str

    def post(self, form: str = "json", **fields: Any) -> Any:  # noqa: ANN401 - JSON
        lon, lat = self.city.inside(1)
        given = {"service_code": "event-exposed-rubbish", "lat": lat, "long": lon,
                 "api_key": self.key, **fields}  # fmt: skip
        body = urlencode({k: v for k, v in given.items() if v is not None}, doseq=True)
        return self.client.post(f"{BASE}/requests.{form}", content=body, headers=FORM)

    def create(self, **fields: Any) -> str:  # noqa: ANN401 - form values
        answer = self.post(**fields)
        assert answer.status_code == 201, answer.text
        (made,) = answer.json()
        (found,) = self.client.get(f"{BASE}/tokens/{made['token']}.json").json()
        assert found["token"] == made["token"]
        number: str = found["service_request_id"]
        return number

    def get(self, path: str, **query: str) -> Any:  # noqa: ANN401 - JSON
        answer = self.client.get(f"{BASE}/{path}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def age(self, number: str, days: int) -> None:
        """Move an event into the past, as if it had come then."""
        with self.database.transaction(SYSTEM) as work:
            work.execute(sa.text("set constraints all deferred"))
            at = sa.text("select received_at - make_interval(days => :d) from event_registry "
                         "where number = :n")  # fmt: skip
            then = work.scalar(at, d=days, n=number)
            work.scalar(sa.text("select ensure_event_partitions(:a, :a)"), a=then)
            work.execute(
                sa.text(
                    "insert into event_registry (id, number, source, received_at) "
                    "select gen_random_uuid(), number || '-old', source, :a from event_registry "
                    "where number = :n"
                ),
                a=then,
                n=number,
            )
            work.execute(
                sa.text(
                    "insert into events (id, received_at, number, source, category, description, "
                    "reported_at, geometry, routing, status, path_codes, match) select r.id, "
                    "r.received_at, r.number, e.source, e.category, e.description, r.received_at, "
                    "e.geometry, e.routing, e.status, e.path_codes, e.match from events e, "
                    "event_registry r where e.number = :n and r.number = :n || '-old'"
                ),
                n=number,
            )


@contextmanager
def opened(database: Database, settings: Settings) -> Iterator[Desk]:
    city = small_city(database)
    key = issue_token(database, SYSTEM, role="reporter").secret
    with TestClient(create_app(settings, database)) as client:
        yield Desk(client, database, city, key)


def parsed(content: bytes) -> ET.Element:
    return ET.fromstring(content)  # noqa: S314 - our own answer


def as_json(element: ET.Element) -> Any:  # noqa: ANN401 - JSON
    """What an XML answer says, every value as text."""
    if element.tag in SINGULAR:
        return [as_json(child) for child in element]
    if len(element):
        return {child.tag: as_json(child) for child in element}
    return element.text


def as_text(value: Any) -> Any:  # noqa: ANN401 - JSON
    """What a JSON answer says, every value as text."""
    if isinstance(value, dict):
        return {key: as_text(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_text(item) for item in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None or value == "" else str(value)
