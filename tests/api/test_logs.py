from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator

import pytest
from fastapi.testclient import TestClient

from api.logs import configure_logs, scrubbed
from gis.settings import Settings

SECRET = "gwt_" + "A" * 43


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """What a server would log as JSON; the loggers are put back afterwards."""
    root = logging.getLogger()
    before = (list(root.handlers), root.level)
    text = io.StringIO()
    configure_logs(Settings(log_format="json"), stream=text)
    yield text
    root.handlers[:], level = before
    root.setLevel(level)
    logging.getLogger("uvicorn.access").propagate = True


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_one_line_per_request_with_id_route_and_status(
    door: TestClient, stream: io.StringIO, bearer: Callable[[str], dict[str, str]]
) -> None:
    door.get("/v1/me", headers={**bearer("planner"), "X-Request-ID": "trace-0001"})
    (line,) = [line for line in lines(stream) if line["logger"] == "gridward.access"]
    assert line["request_id"] == "trace-0001"
    assert (line["method"], line["path"], line["status"]) == ("GET", "/v1/me", 200)
    assert str(line["actor"]).startswith("token:")
    assert float(str(line["ms"])) >= 0


def test_no_query_no_address_no_secret_is_logged(door: TestClient, stream: io.StringIO) -> None:
    door.get("/sign-in", params={"link": "gwl_" + "B" * 43})
    door.get("/v1/nowhere", params={"phone": "13800000000"})
    door.post("/sign-in", data={"token": SECRET})
    door.get(f"/lost/{SECRET}")
    text = stream.getvalue()
    for private in ("B" * 43, "13800000000", "A" * 43, "testclient", "127.0.0.1"):
        assert private not in text


def test_rows_quoted_by_the_database_are_cut(stream: io.StringIO) -> None:
    try:
        message = (
            "duplicate key\nDETAIL:  Key (phone)=(13900000000) already exists.\n"
            "[SQL: insert]\n[parameters: {'name': '张三'}]\n(Background)"
        )
        raise RuntimeError(message)  # noqa: TRY301 - a traceback is what is wanted
    except RuntimeError:
        logging.getLogger("uvicorn.error").exception("Exception in ASGI application")
    (line,) = lines(stream)
    assert "13900000000" not in str(line)
    assert "张三" not in str(line)
    assert "duplicate key" in str(line["exception"])


def test_uvicorns_own_access_log_is_silent(stream: io.StringIO) -> None:
    logging.getLogger("uvicorn.access").warning("GET /sign-in?link=x")
    assert stream.getvalue() == ""


def test_text_format_is_one_readable_line() -> None:
    text = io.StringIO()
    root = logging.getLogger()
    before = (list(root.handlers), root.level)
    configure_logs(Settings(log_format="text"), stream=text)
    logging.getLogger("gridward").info("loaded", extra={"revision": 3})
    root.handlers[:], level = before
    root.setLevel(level)
    assert text.getvalue().count("\n") == 1
    assert "revision=3" in text.getvalue()


def test_scrubbing_keeps_the_kind_of_a_secret() -> None:
    assert scrubbed(f"Bearer {SECRET}!") == "Bearer gwt_…!"
