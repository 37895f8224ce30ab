from __future__ import annotations

import json
import string
from collections.abc import Callable, Iterator
from typing import Annotated, Any

import pytest
from fastapi import FastAPI, File, Form, UploadFile
from fastapi.testclient import TestClient
from pydantic import BaseModel, Field

from api.app import create_app
from api.middleware import json_flaw
from api.problems import STATUS, kinds, plain, status_of
from api.schemas import Line
from gis.errors import AreaUnknown, DatabaseUnavailable, GovernanceError, PositionInvalid
from gis.settings import Settings
from gis.store.unit_of_work import Database

EN = {"Accept-Language": "en"}


class Thing(BaseModel):
    name: Line
    size: Annotated[int, Field(ge=1)] = 1
    secret: Annotated[str, Field(max_length=3)] = ""


@pytest.fixture(scope="module")
def trial(shared_database: Database, quiet_settings: Settings) -> TestClient:
    """The application with routes that fail in every way."""
    app: FastAPI = create_app(quiet_settings, shared_database)

    @app.post("/trial/thing")
    def take(thing: Thing) -> Thing:
        return thing

    @app.post("/trial/anything")
    def take_anything(body: dict[str, Any]) -> dict[str, int]:
        return {"keys": len(body)}

    @app.post("/trial/file")
    def take_file(
        file: Annotated[UploadFile, File()], note: Annotated[str, Form()] = ""
    ) -> dict[str, object]:
        return {"size": file.size, "note": note}

    @app.get("/trial/fail/{which}")
    def fail(which: str) -> None:
        if which == "bug":
            message = "password=hunter2"
            raise RuntimeError(message)
        if which == "database":
            raise DatabaseUnavailable
        raise PositionInvalid(
            lon=float("nan"), lat=1.0, crs="\ud800", hint_zh="无效", hint_en="bad"
        )

    return TestClient(app, raise_server_exceptions=False)


@pytest.mark.parametrize("kind", kinds().values(), ids=lambda kind: kind.code)
def test_every_error_has_words_in_both_languages_and_a_status(
    kind: type[GovernanceError],
) -> None:
    assert kind.title_zh
    assert kind.title_en
    assert kind.detail_zh
    assert kind.detail_en
    assert kind.__doc__
    assert set(kind.code) <= set(string.ascii_lowercase + "-" + string.digits)
    assert status_of(kind) in STATUS.values()
    named = {
        language: {name for _, name, _, _ in string.Formatter().parse(template) if name}
        for language, template in (("zh", kind.detail_zh), ("en", kind.detail_en))
    }
    facts = {name: f"<{name}>" for name in named["zh"] | named["en"]}
    assert kind(**facts).detail("zh") != kind(**facts).detail("en")


def test_codes_are_unique() -> None:
    def below(kind: type[GovernanceError]) -> list[type[GovernanceError]]:
        children = kind.__subclasses__()
        return [*children, *(found for child in children for found in below(child))]

    codes = [kind.code for kind in below(GovernanceError) if "code" in kind.__dict__]
    assert len(codes) == len(set(codes))


def test_unknown_address_is_a_problem_in_chinese_by_default(door: TestClient) -> None:
    answer = door.get("/v1/nowhere?token=x")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["content-language"] == "zh-CN"
    body = answer.json()
    assert set(body) == {"type", "title", "status", "detail", "instance", "facts"}
    assert (body["type"], body["instance"]) == ("/problems/route-unknown", "/v1/nowhere")
    assert "没有" in body["title"]


@pytest.mark.parametrize(
    ("header", "tag"),
    [
        ("en", "en"),
        ("en-GB,zh;q=0.9", "en"),
        ("fr,zh;q=0.4,en;q=0.6", "en"),
        ("zh-TW,en;q=0.9", "zh-CN"),
        ("fr", "zh-CN"),
        ("en;q=0", "zh-CN"),
        (";;q=,=,en;q=x", "zh-CN"),
    ],
)
def test_accept_language_chooses(door: TestClient, header: str, tag: str) -> None:
    answer = door.get("/v1/nowhere", headers={"Accept-Language": header})
    assert answer.headers["content-language"] == tag


def test_wrong_method_names_the_right_ones(door: TestClient) -> None:
    answer = door.delete("/healthz", headers=EN)
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET"
    assert answer.json()["facts"] == {"method": "DELETE", "allowed": "GET"}


def test_not_signed_in_says_how(door: TestClient) -> None:
    answer = door.get("/v1/me")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json()["type"] == "/problems/sign-in-required"


def test_validation_names_each_path_and_never_the_value(trial: TestClient) -> None:
    body = {"size": 0, "secret": "hunter2-secret"}
    answer = trial.post("/trial/thing", json=body, headers=EN)
    assert answer.status_code == 422
    assert "hunter2" not in answer.text
    errors = {line["path"]: line for line in answer.json()["facts"]["errors"]}
    assert set(errors) == {"name", "size", "secret"}
    assert errors["name"]["message"] == "is missing"
    assert errors["size"]["message"] == "must be at least 1"
    assert errors["secret"] == {
        "in": "body",
        "path": "secret",
        "code": "string_too_long",
        "message": "must have at most 3 characters",
        "value_kind": "string",
    }
    chinese = trial.post("/trial/thing", json=body).json()["facts"]["errors"]
    assert {line["message"] for line in chinese} == {"缺少此项", "应不小于 1", "至多 3 个字符"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"name": "x"',
        b"[1,",
        b"nonsense",
        b"\xff\xfe",
        '{"name": "滁州"}'.encode("gbk"),
        '{"name": "x"}'.encode("utf-16"),
        b'{"name": NaN}',
        b'{"a": Infinity}',
        b'{"a": [-Infinity]}',
        b'{"a": 1e999}',
        b'{"a": -1E+400}',
        b'{"a": 9' + b"9" * 400 + b".0}",
        b'{"a": ' + b"9" * 5000 + b"}",
        b'{"name": "a\\u0000b"}',
        b'{"name\\u0000": 1}',
        b'{"name": "\\ud800"}',
        b'{"name": "a\x00b"}',
        b'{"a":' * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b'"text"',
        b"null",
        b"12",
    ],
    ids=lambda body: repr(body[:18]),
)
@pytest.mark.parametrize("path", ["/trial/thing", "/trial/anything"])
def test_hostile_bodies_are_refused_in_words(trial: TestClient, path: str, body: bytes) -> None:
    answer = trial.post(path, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] in {"/problems/body-unreadable", "/problems/request-invalid"}


@pytest.mark.parametrize(
    "text", ['{"name": "NaN and \\\\u0000"}', '{"name": "\\ud83d\\ude00"}', '{"name": "1e999"}']
)
def test_harmless_look_alikes_pass(trial: TestClient, text: str) -> None:
    assert json_flaw(text.encode()) is None
    headers = {"Content-Type": "application/json"}
    assert trial.post("/trial/thing", content=text, headers=headers).status_code == 200


def test_bodies_beyond_the_limit_are_413(trial: TestClient) -> None:
    many = b'{"name": "' + b"x" * 2_000_000 + b'"}'
    json_type = {"Content-Type": "application/json", **EN}
    declared = trial.post("/trial/thing", content=many, headers=json_type)
    chunked = trial.post("/trial/thing", content=iter([many]), headers=json_type)
    upload = trial.post("/trial/file", files={"file": ("x", many)})

    def chunks() -> Iterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n'
        yield many
        yield b"\r\n--b--\r\n"

    form_type = {"Content-Type": "multipart/form-data; boundary=b"}
    streamed = trial.post("/trial/file", content=chunks(), headers=form_type)
    for answer in (declared, chunked, upload, streamed):
        assert answer.status_code == 413
        assert answer.json()["type"] == "/problems/payload-too-large"
    assert trial.post("/trial/file", files={"file": ("x", b"1" * 1000)}).json()["size"] == 1000


def test_broken_forms_are_refused(trial: TestClient) -> None:
    form_type = {"Content-Type": "multipart/form-data; boundary=b"}
    for body in (b"--b\r\n\r\n", b"\x00\x01", b"--b\r\nContent-Disposition: form-data\r\n\r\nx"):
        answer = trial.post("/trial/file", content=body, headers=form_type)
        assert answer.status_code == 422


@pytest.mark.parametrize(
    "path", ["/problems/a%00b", "/problems?q=%00", "/v1/areas/%00", "/%ff%fe", "/problems?%ff=%c0"]
)
def test_hostile_addresses_never_break(trial: TestClient, path: str) -> None:
    answer = trial.get(path)
    assert answer.status_code in {200, 404, 422}


def test_a_bug_shows_nothing_but_the_request_id(trial: TestClient) -> None:
    answer = trial.get("/trial/fail/bug", headers={"X-Request-ID": "counter-7.42", **EN})
    assert answer.status_code == 500
    assert "hunter2" not in answer.text
    assert "RuntimeError" not in answer.text
    assert answer.json()["facts"] == {"request_id": "counter-7.42"}
    assert answer.headers["x-request-id"] == "counter-7.42"
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert answer.headers["content-type"] == "application/problem+json"


def test_overload_says_when_to_come_back(trial: TestClient) -> None:
    answer = trial.get("/trial/fail/database")
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0


def test_facts_that_json_cannot_carry_still_leave(trial: TestClient) -> None:
    answer = trial.get("/trial/fail/facts")
    assert answer.status_code == 422
    assert json.loads(answer.content)["facts"]["lon"] == "nan"
    assert plain({"a": {1}, "b": float("-inf")}) == {"a": [1], "b": "-inf"}


def test_every_code_has_its_page(door: TestClient) -> None:
    listed = door.get("/problems").json()["items"]
    assert {row["code"] for row in listed} == set(kinds())
    for row in listed:
        explained = door.get(row["type"])
        assert explained.json() == row
    in_browser = door.get("/problems/area-unknown", headers={"Accept": "text/html"})
    assert AreaUnknown.title_zh in in_browser.text
    assert door.get("/problems/no-such").status_code == 404


def test_a_navigating_browser_gets_a_page(door: TestClient) -> None:
    answer = door.get("/nowhere/<script>alert(1)</script>", headers={"Accept": "text/html,*/*"})
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert "<script>alert" not in answer.text
    programs = door.get("/v1/nowhere", headers={"Accept": "text/html,*/*"})
    assert programs.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("given", ["short", "a b c d e f g h", "x" * 200, "<script>1234"])
def test_odd_request_ids_are_replaced(door: TestClient, given: str) -> None:
    kept = door.get("/healthz", headers={"X-Request-ID": given}).headers["x-request-id"]
    assert kept != given
    assert len(kept) == 32


def test_every_answer_carries_the_security_headers(
    door: TestClient, bearer: Callable[[str], dict[str, str]]
) -> None:
    for path in ("/", "/healthz", "/nowhere", "/docs", "/v1/me"):
        headers = door.get(path, headers=bearer("viewer")).headers
        assert "default-src 'self'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
