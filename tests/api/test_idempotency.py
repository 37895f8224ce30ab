from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Annotated, Any

import httpx
import pytest
import sqlalchemy as sa
from fastapi import Depends, FastAPI, File, Response, UploadFile
from fastapi.testclient import TestClient

from api.app import create_app
from api.idempotency import Keyed, respond
from api.security import allow
from gis.errors import IdempotencyKeyReused
from gis.governance.actors import SYSTEM, Actor
from gis.services.access import issue_token
from gis.settings import Settings
from gis.store.access import Answer, KeyedRequest, first_answer, remember
from gis.store.unit_of_work import Database

KEY = KeyedRequest("k-1", b"a" * 32)
Dispatcher = Annotated[Actor, Depends(allow("dispatcher"))]


def write(database: Database, keyed: KeyedRequest | None, actor: Actor = SYSTEM) -> Answer:
    """A use case: issues a credential row, as a write that can be counted."""
    with database.transaction(actor) as work:
        before = first_answer(work, keyed)
        if before is not None:
            return before
        number = work.scalar(
            sa.text(
                "insert into credentials (kind, secret_hash, role, label, created_by, expires_at) "
                "values ('token', sha256(gen_random_uuid()::text::bytea), 'viewer', 'x', 'x', "
                "now()) returning id"
            )
        )
        time.sleep(0.02)
        return remember(work, keyed, status=201, body={"z": number, "a": "滁州", "f": 0.1})


def written(database: Database) -> int:
    with database.reading(SYSTEM) as work:
        return int(work.scalar(sa.text("select count(*) from credentials where label = 'x'")))


def test_the_same_key_gives_the_first_answer(database: Database) -> None:
    first = write(database, KEY)
    second = write(database, KEY)
    assert (first.replayed, second.replayed) == (False, True)
    assert (second.status, second.body) == (201, first.body)
    assert list(second.body) == ["z", "a", "f"]
    assert written(database) == 1


def test_without_a_key_every_write_is_new(database: Database) -> None:
    write(database, None)
    write(database, None)
    assert written(database) == 2


def test_another_request_under_the_key_is_a_conflict(database: Database) -> None:
    write(database, KEY)
    with pytest.raises(IdempotencyKeyReused):
        write(database, KeyedRequest(KEY.key, b"b" * 32))
    assert written(database) == 1


def test_keys_belong_to_the_actor(database: Database) -> None:
    write(database, KEY)
    write(database, KEY, Actor("token:9", "dispatcher"))
    assert written(database) == 2


def test_a_write_that_failed_frees_its_key(database: Database) -> None:
    def fail() -> None:
        with database.transaction(SYSTEM) as work:
            assert first_answer(work, KEY) is None
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert write(database, KEY).replayed is False


def test_a_use_case_that_forgets_to_remember_is_a_bug(database: Database) -> None:
    with database.transaction(SYSTEM) as work:
        first_answer(work, KEY)
    with pytest.raises(ValueError, match="remember"):
        write(database, KEY)


def test_twins_at_the_same_moment_write_once(database: Database) -> None:
    together = threading.Barrier(8)
    answers: list[Answer] = []

    def send() -> None:
        together.wait()
        answers.append(write(database, KEY))

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert written(database) == 1
    assert len(answers) == 8
    assert sum(not answer.replayed for answer in answers) == 1
    assert len({answer.body["z"] for answer in answers}) == 1


@pytest.fixture
def trial(shared_database: Database, quiet_settings: Settings) -> TestClient:
    app: FastAPI = create_app(quiet_settings, shared_database)

    @app.post("/trial")
    def take(body: dict[str, Any], keyed: Keyed, actor: Dispatcher) -> Response:
        answer = write(shared_database, keyed, actor)
        return respond(answer, {"Location": f"/trial/{answer.body['z']}"})

    @app.post("/trial/file")
    def take_file(file: Annotated[UploadFile, File()], keyed: Keyed, actor: Dispatcher) -> Response:
        assert file.file.read() != b""
        return respond(write(shared_database, keyed, actor))

    token = issue_token(shared_database, SYSTEM, role="dispatcher").secret
    return TestClient(app, headers={"Authorization": f"Bearer {token}"})


def test_over_http(trial: TestClient) -> None:
    key = {"Idempotency-Key": "a3f1"}
    first = trial.post("/trial", json={"a": 1}, headers=key)
    again = trial.post("/trial", json={"a": 1}, headers=key)
    other = trial.post("/trial", json={"a": 2}, headers=key)
    assert (first.status_code, again.status_code, other.status_code) == (201, 201, 409)
    assert first.content == again.content
    assert first.headers["location"] == again.headers["location"]
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert other.json()["type"] == "/problems/idempotency-key-reused"


def test_uploads_with_another_boundary_are_the_same_request(trial: TestClient) -> None:
    def send(content: bytes, boundary: str) -> httpx.Response:
        body = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n'
            f"Content-Type: image/jpeg\r\n\r\n"
        ).encode()
        return trial.post(
            "/trial/file",
            content=body + content + f"\r\n--{boundary}--\r\n".encode(),
            headers={
                "Content-Type": f"multipart/form-data; boundary={boundary}",
                "Idempotency-Key": "photo-1",
            },
        )

    assert send(b"\xff\xd8 one", "x1").status_code == 201
    assert send(b"\xff\xd8 one", "y2").headers["idempotency-replayed"] == "true"
    assert send(b"\xff\xd8 two", "x1").status_code == 409


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 256, "é"])
def test_odd_keys_are_refused(trial: TestClient, key: str) -> None:
    answer = trial.post("/trial", json={}, headers={"Idempotency-Key": key.encode()})
    assert answer.status_code == 422
    assert answer.json()["type"] == "/problems/idempotency-key-invalid"


def test_refused_callers_learn_nothing_about_keys(
    trial: TestClient, bearer: Callable[[str], dict[str, str]]
) -> None:
    answer = trial.post("/trial", json={}, headers={"Idempotency-Key": "a3f1", **bearer("viewer")})
    assert answer.status_code == 403
