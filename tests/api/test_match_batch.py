"""Matching over HTTP: the short way looks like the long one, and a batch like many of them."""

from __future__ import annotations

import httpx
import pytest

from tests.conftest import Token

PIN = {"lon": 118.3224, "lat": 32.2999, "crs": "GCJ-02", "accuracy_m": 5}


@pytest.fixture
def signed_in(client: httpx.Client, token: Token) -> dict[str, str]:
    headers = token("dispatcher")
    answer = client.post("/v1/match", json={"location": PIN}, headers=headers)
    assert answer.status_code == 200  # from now on the secret is remembered
    return headers


def post(client: httpx.Client, items: object, headers: dict[str, str]) -> httpx.Response:
    return client.post("/v1/match/batch", json={"items": items}, headers=headers)


def test_short_and_long_way_give_one_answer(
    client: httpx.Client, signed_in: dict[str, str]
) -> None:
    short = client.post("/v1/match", json={"location": PIN}, headers=signed_in)
    long = client.post(  # another media type keeps it from the short way
        "/v1/match",
        content=short.request.content,
        headers={**signed_in, "Content-Type": "application/json; charset=utf-8"},
    )
    assert short.content == long.content
    assert set(long.headers) == set(short.headers)
    english = client.post(
        "/v1/match", json={"location": PIN}, headers={**signed_in, "Accept-Language": "en"}
    )
    assert "Read as GCJ-02" in english.text
    assert 'route="/v1/match"' in client.get("/metrics").text


HOSTILE = (
    b'{"location":{"lon":1e999,"lat":32}}',
    b'{"location":{"lon":NaN,"lat":32}}',
    b'{"location":{"lon":118,"lat":' + b"3" * 400 + b"}}",
    b'{"location":{"lon":118.3,"lat":32.3},"source":"\xff"}',
    b'{"location":{"lon":118.3,"lat":32.3},"source":"a\x00b"}',
    rb'{"location":{"lon":118.3,"lat":32.3},"source":"a\u0000b"}',
    rb'{"location":{"lon":118.3,"lat":32.3},"source":"\ud800"}',
    rb'{"location":{"lon":118.3,"lat":32.3,"crs":"\ud800"}}',
    b'{"location":{"lon":118.3,"lat":32.3}} more',
    b'{"location":{"lon":118.3,"lat":32.3}',
    b'{"location":{"lon":118.3,"lat":32.3},"address":"' + b"x" * 5000 + b'"}',
    b"[]",
    b"",
)


@pytest.mark.parametrize("body", HOSTILE)
def test_what_is_refused_is_refused_alike_on_both_ways(
    client: httpx.Client, signed_in: dict[str, str], body: bytes
) -> None:
    short, long = (
        client.post("/v1/match", content=body, headers={**signed_in, "Content-Type": kind})
        for kind in ("application/json", "application/json; charset=utf-8")
    )
    assert 400 <= short.status_code < 500
    assert (short.status_code, short.json()) == (long.status_code, long.json())


def test_the_short_way_keeps_ids_and_lets_in_whom_the_long_one_does(
    client: httpx.Client, signed_in: dict[str, str], token: Token
) -> None:
    named = {**signed_in, "X-Request-ID": "caller-1234"}
    assert client.post("/v1/match", json={"location": PIN}, headers=named).headers[
        "X-Request-ID"
    ] == ("caller-1234")
    ids = {
        client.post("/v1/match", json={"location": PIN}, headers=signed_in).headers["X-Request-ID"]
        for _ in range(3)
    }
    assert len(ids) == 3
    assert client.post("/v1/match", json={"location": PIN}).status_code == 401
    wrong = {"Authorization": signed_in["Authorization"] + "x"}
    assert client.post("/v1/match", json={"location": PIN}, headers=wrong).status_code == 401
    asked = client.post("/v1/match?x=%00", json={"location": PIN}, headers=signed_in)
    assert asked.status_code == 422
    assert client.get("/v1/match", headers=signed_in).status_code == 405


def test_errors_of_pins_are_explained(client: httpx.Client, signed_in: dict[str, str]) -> None:
    swapped = client.post(
        "/v1/match", json={"location": {"lon": 32.3, "lat": 118.3}}, headers=signed_in
    )
    assert (swapped.status_code, swapped.json()["type"]) == (422, "/problems/position-invalid")
    for body in ({"location": {**PIN, "lon": "x"}}, {"location": {**PIN, "more": 1}}, {}, []):
        answer = client.post("/v1/match", json=body, headers=signed_in)
        assert answer.status_code == 422, body


def test_batch_answers_in_order_and_a_bad_item_gets_its_own_problem(
    client: httpx.Client, signed_in: dict[str, str]
) -> None:
    one = client.post("/v1/match", json={"location": PIN}, headers=signed_in).json()
    items = [
        {"location": PIN},
        {"location": {"lon": 32.3, "lat": 118.3}},
        7,
        {"location": PIN, "category": "none-such"},
        {"location": {**PIN, "crs": "Mars"}},
        {},
        {"location": {"lon": "118.3", "lat": 32.3}},
        {"location": PIN, "at": "2026-11-24T10:00:00+08:00", "source": "snap"},
    ]
    results = post(client, items, signed_in).json()["results"]
    assert len(results) == len(items)
    assert results[0] == one
    assert results[1]["type"] == "/problems/position-invalid"
    assert results[2]["facts"]["errors"][0]["path"] == "items.2"
    assert results[3]["type"] == "/problems/category-unknown"
    assert results[4]["type"] == "/problems/crs-unknown"
    assert results[5]["type"] == "/problems/evidence-missing"
    assert "decision" in results[6]
    assert "decision" in results[7] or results[7]["status"] < 500


def test_batch_of_pins_equals_the_pins(client: httpx.Client, signed_in: dict[str, str]) -> None:
    items = [
        {"location": {"lon": 118.25 + n / 500, "lat": 32.25 + n / 900, "accuracy_m": 20}}
        for n in range(60)
    ]
    results = post(client, items, signed_in).json()["results"]
    singles = [client.post("/v1/match", json=item, headers=signed_in).json() for item in items]
    assert results == singles


def test_what_is_no_batch_is_refused_whole(client: httpx.Client, signed_in: dict[str, str]) -> None:
    assert post(client, [], signed_in).json() == {"results": []}
    assert post(client, [{"location": PIN}] * 10_001, signed_in).status_code == 422
    assert post(client, "x", signed_in).status_code == 422
    broken = client.post("/v1/match/batch", content=b'{"items": [', headers=signed_in)
    assert (broken.status_code, broken.json()["type"]) == (422, "/problems/body-unreadable")
    assert client.post("/v1/match/batch", json={"items": []}).status_code == 401
