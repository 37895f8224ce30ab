"""Webhooks: registered by an administrator, delivered at least once, signed, bounded."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from api.app import create_app
from gis.governance.actors import SYSTEM
from gis.services import worker
from gis.services.access import issue_token
from gis.services.feed import sequence_outbox
from gis.settings import Settings
from gis.store import webhooks
from gis.store.unit_of_work import Database
from tests.factories import COMMUNITY, SmallCity, small_city
from tests.receiver import Receiver, receiving


@dataclass
class House:
    client: TestClient
    database: Database
    settings: Settings
    city: SmallCity
    admin: dict[str, str]
    receiver: Receiver

    def register(self, **wanted: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        body = {"url": self.receiver.url + "/hook", **wanted}
        answer = self.client.post("/v1/webhooks", headers=self.admin, json=body)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def report(self, grid: int = 1) -> dict[str, Any]:
        lon, lat = self.city.inside(grid)
        answer = self.client.post(
            "/v1/events",
            headers=self.admin,
            json={
                "source": "snap",
                "location": {"lon": lon, "lat": lat},
                "reporter": {"name": "张三", "phone": "19900000000"},
            },
        )
        found: dict[str, Any] = answer.json()
        return found

    def deliver(self) -> None:
        self.sequence()
        worker.drain(self.database, self.settings)

    def sequence(self) -> None:
        """Give every message its place; the server's own thread may be about to do it as well."""
        ends = time.monotonic() + 60
        while True:
            sequence_outbox(self.database)
            with self.database.reading(SYSTEM) as work:
                if not work.scalar(sa.text("select count(*) from outbox_pending")):
                    return
            assert time.monotonic() < ends, "messages wait for their place"

    def make_due(self) -> None:
        with self.database.transaction(SYSTEM) as work:
            for statement in (
                "update webhooks set paused_until = null",
                "update webhook_deliveries set next_attempt_at = now() where state = 'pending'",
                "update periodic_tasks set asked_at = now() - interval '1 day'",
            ):
                work.execute(sa.text(statement))

    def deliveries(self, webhook: str, **query: str) -> list[dict[str, Any]]:
        answer = self.client.get(
            f"/v1/webhooks/{webhook}/deliveries", headers=self.admin, params=query
        )
        found: list[dict[str, Any]] = answer.json()["items"]
        return found

    def webhook(self, webhook: str) -> dict[str, Any]:
        answer = self.client.get(f"/v1/webhooks/{webhook}", headers=self.admin)
        found: dict[str, Any] = answer.json()
        return found


@pytest.fixture
def house(database: Database, settings: Settings) -> Iterator[House]:
    city = small_city(database)
    chosen = settings.model_copy(update={"webhook_hosts": "127.0.0.1"})
    secret = issue_token(database, SYSTEM, role="admin").secret
    admin = {"Authorization": f"Bearer {secret}"}
    with TestClient(create_app(chosen, database)) as client, receiving() as receiver:
        yield House(client, database, chosen, city, admin, receiver)


def test_a_recipient_gets_signed_cloud_events_of_what_comes_later(house: House) -> None:
    house.report()
    house.deliver()
    made = house.register(title="12345 平台")
    event = house.report()
    house.deliver()
    # deliveries run side by side: the sequence in each tells their order, not their arrival
    created, routed = sorted(house.receiver.got, key=lambda one: str(one.event["type"]))
    assert created.event["specversion"] == "1.0"
    assert created.event["type"] == "gridward.event.created"
    assert routed.event["type"] == "gridward.event.routed"
    assert created.event["subject"] == event["id"]
    assert created.event["data"]["number"] == event["number"]
    assert created.event["id"] == created.headers["webhook-id"]
    assert created.headers["content-type"].startswith("application/cloudevents+json")
    assert abs(time.time() - int(created.headers["webhook-timestamp"])) < 60
    assert created.is_signed_by(made["secret"])
    assert not created.is_signed_by("whsec_" + "A" * 44)
    assert "张三" not in created.body.decode()
    house.deliver()
    assert len(house.receiver.got) == 2, "what was delivered is not sent again"


def test_the_secret_is_shown_once_and_others_see_nothing(house: House) -> None:
    made = house.register()
    assert made["secret"].startswith("whsec_")
    listed = house.client.get("/v1/webhooks", headers=house.admin)
    assert [row["id"] for row in listed.json()["items"]] == [made["id"]]
    assert made["secret"] not in listed.text
    assert "secret" not in house.webhook(made["id"])
    secret = issue_token(house.database, SYSTEM, role="dispatcher").secret
    for method, url in (("GET", "/v1/webhooks"), ("DELETE", f"/v1/webhooks/{made['id']}")):
        answer = house.client.request(method, url, headers={"Authorization": f"Bearer {secret}"})
        assert answer.status_code == 403


def test_a_secret_is_changed_without_a_gap(house: House) -> None:
    made = house.register(topics=["event.created"])
    url = f"/v1/webhooks/{made['id']}/rotate-secret"
    answer = house.client.post(url, headers=house.admin, json={})
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    fresh = answer.json()["secret"]
    assert fresh != made["secret"]
    assert "former_secret" not in answer.text
    house.report()
    house.deliver()
    (both,) = house.receiver.got
    assert both.is_signed_by(fresh)
    assert both.is_signed_by(made["secret"]), "a recipient that has not changed yet takes it too"
    last = house.client.post(url, headers=house.admin, json={"overlap_hours": 0}).json()["secret"]
    house.report()
    house.deliver()
    only = house.receiver.got[-1]
    assert only.is_signed_by(last)
    assert not only.is_signed_by(fresh), "a secret that leaked is worth nothing at once"
    assert house.client.post(url, headers=house.admin, json={"hours": 1}).status_code == 422
    house.client.delete(f"/v1/webhooks/{made['id']}", headers=house.admin)
    assert house.client.post(url, headers=house.admin, json={}).status_code == 409


def test_topics_and_area_choose_what_is_sent(house: House) -> None:
    house.register(topics=["event.routed"])
    house.register(area=f"{COMMUNITY}002", url=house.receiver.url + "/other")
    house.report(grid=1)
    house.report(grid=2)
    house.deliver()
    types = sorted(got.event["type"] for got in house.receiver.got)
    assert types == ["gridward.event.created"] + ["gridward.event.routed"] * 3


def test_a_failing_host_is_left_alone_and_then_gets_the_same_message(house: House) -> None:
    made = house.register(topics=["event.created"])
    house.receiver.answer = lambda _got: 503
    for _ in range(8):
        house.report()
    house.deliver()
    tried = len(house.receiver.got)
    assert 1 <= tried <= 4, "the first failure stops the rest"
    seen = house.webhook(made["id"])
    assert (seen["state"], seen["failures"], seen["waiting"]) == ("active", 1, 8)
    assert seen["paused_until"] is not None
    house.deliver()
    assert len(house.receiver.got) == tried, "not before its time"
    failed = [row for row in house.deliveries(made["id"]) if row["attempts"]]
    assert failed[0]["last_status"] == 503
    assert "503" in failed[0]["last_error"]
    house.receiver.answer = lambda _got: 200
    house.make_due()
    house.deliver()
    house.deliver()
    assert {row["state"] for row in house.deliveries(made["id"])} == {"delivered"}
    ids = house.receiver.ids
    assert len(set(ids)) == 8
    assert set(ids[:tried]) <= set(ids[tried:]), "the same id again"
    bodies = {got.headers["webhook-id"]: got.body for got in house.receiver.got}
    assert all(bodies[got.headers["webhook-id"]] == got.body for got in house.receiver.got)
    assert house.webhook(made["id"])["failures"] == 0


def test_a_refused_message_does_not_stop_the_others(house: House) -> None:
    made = house.register(topics=["event.created"])
    first = house.report()
    for _ in range(3):
        house.report()
    house.receiver.answer = lambda got: 400 if got.event["subject"] == first["id"] else 200
    house.deliver()
    states = [row["state"] for row in house.deliveries(made["id"])]
    assert sorted(states) == ["delivered"] * 3 + ["pending"]


def test_long_failure_disables_with_a_reason_and_nothing_is_lost(house: House) -> None:
    made = house.register(topics=["event.created"])
    house.receiver.answer = lambda _got: 500
    house.report()
    house.deliver()
    with house.database.transaction(SYSTEM) as work:
        work.execute(sa.text("update webhooks set failing_since = now() - interval '4 days'"))
    house.make_due()
    house.deliver()
    seen = house.webhook(made["id"])
    assert seen["state"] == "disabled"
    assert "500" in seen["disabled_reason"]
    house.report()  # while it is disabled
    house.deliver()
    tried = len(house.receiver.got)
    house.receiver.answer = lambda _got: 200
    enabled = house.client.post(f"/v1/webhooks/{made['id']}/enable", headers=house.admin).json()
    assert enabled["state"] == "active"
    house.deliver()
    assert len(set(house.receiver.ids[tried:])) == 2


def test_gone_disables_at_once(house: House) -> None:
    made = house.register()
    house.receiver.answer = lambda _got: 410
    house.report()
    house.deliver()
    assert house.webhook(made["id"])["state"] == "disabled"


def test_redirects_are_not_followed(house: House) -> None:
    made = house.register(topics=["event.created"])
    house.receiver.answer = lambda _got: 302
    house.report()
    house.deliver()
    assert len(house.receiver.got) == 1
    assert house.deliveries(made["id"])[0]["last_status"] == 302


def test_a_delivery_can_be_sent_again_with_its_id(house: House) -> None:
    made = house.register(topics=["event.created"])
    house.report()
    house.deliver()
    (delivery,) = house.deliveries(made["id"], state="delivered")
    url = f"/v1/webhooks/{made['id']}/deliveries/{delivery['id']}/redeliver"
    assert house.client.post(url, headers=house.admin).status_code == 202
    house.deliver()
    assert house.receiver.ids == [delivery["message_id"]] * 2
    unknown = url.replace(f"/{delivery['id']}/", "/999/")
    assert house.client.post(unknown, headers=house.admin).status_code == 404


def test_a_deleted_webhook_hears_nothing_more(house: House) -> None:
    made = house.register()
    house.report()
    house.sequence()
    for _ in range(2):
        answer = house.client.delete(f"/v1/webhooks/{made['id']}", headers=house.admin)
        assert answer.status_code == 204
    house.report()
    house.deliver()
    assert house.receiver.got == []
    gone = house.client.get(f"/v1/webhooks/{made['id']}", headers=house.admin)
    assert gone.status_code == 404
    enable = house.client.post(f"/v1/webhooks/{made['id']}/enable", headers=house.admin)
    assert enable.status_code == 409


def test_claims_of_a_dead_worker_end_with_the_next_turn(house: House) -> None:
    made = house.register(topics=["event.created"])
    house.report()
    house.sequence()
    with house.database.transaction(SYSTEM) as work:
        webhook = uuid.UUID(made["id"])
        assert len(webhooks.claim(work, webhook, limit=9, lease=timedelta(hours=1))) == 1
        assert webhooks.claim(work, webhook, limit=9, lease=timedelta(hours=1)) == []
    house.deliver()
    assert [row["state"] for row in house.deliveries(made["id"])] == ["delivered"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"url": "http://169.254.169.254/"}, "webhook-target-refused"),
        ({"url": "http://10.0.0.1/"}, "webhook-target-refused"),
        ({"url": "http://127.0.0.1/", "topics": ["weather"]}, "topic-unknown"),
    ],
)
def test_bad_registrations_are_refused(house: House, body: dict[str, Any], code: str) -> None:
    answer = house.client.post("/v1/webhooks", headers=house.admin, json=body)
    assert (answer.status_code, answer.json()["type"]) == (422, f"/problems/{code}")
