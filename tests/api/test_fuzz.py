"""What the interface's own description lets a stranger send: never a 500, always a problem."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.schemas import APIOperation

from api.app import create_app
from gis.cluster import Cluster
from gis.governance.actors import SYSTEM
from gis.services.access import issue_token
from gis.settings import Settings
from tests.conftest import cloned

SECONDS = 45.0
EXAMPLES = 60


@dataclass(frozen=True)
class Fuzzed:
    app: FastAPI
    headers: dict[str, str]


@pytest.fixture(scope="module")
def fuzzed(cluster: Cluster, demo_template: str, quiet_settings: Settings) -> Iterator[Fuzzed]:
    """A demo city of its own, entered as administrator so that the bodies get through."""
    with cloned(cluster, demo_template) as database:
        token = issue_token(database, SYSTEM, role="admin").secret
        app = create_app(quiet_settings, database)
        yield Fuzzed(app, {"Authorization": f"Bearer {token}"})


def problem_of(answer: schemathesis.Response) -> str | None:
    """Return what is wrong with an answer, None when it keeps the contract."""
    if answer.status_code < 400:
        return None
    if answer.status_code in {500, 501, 502}:
        return f"{answer.status_code}: {answer.text[:300]}"
    if "/open311/" in (answer.request.url or ""):  # an array, as that standard wants it
        if answer.text.startswith("<"):
            return None if "<errors><error><code>" in answer.text else answer.text[:300]
        told = all(set(error) == {"code", "description"} for error in answer.json())
        return None if told else f"no array: {answer.text[:300]}"
    if answer.headers.get("content-type", [""])[0] != "application/problem+json":
        return f"{answer.status_code} is no problem document"
    body = answer.json()
    wanted = {"type", "title", "status", "detail", "instance", "facts"}
    return None if set(body) == wanted else f"members {sorted(body)}"


def sender(
    operation: APIOperation, mode: GenerationMode, headers: dict[str, str], until: float
) -> Callable[[], None]:
    """Return the Hypothesis test of one operation; it stops sending at its time."""

    @seed(20261123)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def send(case: schemathesis.Case) -> None:
        if time.monotonic() > until:
            return
        fault = problem_of(case.call(headers=headers))
        assert fault is None, f"{case.as_curl_command()}\n{fault}"

    return send


DOCUMENTS = {"/openapi.json": SECONDS, "/ogc/api": SECONDS / 2}
"""Description -> seconds spent on it."""


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize("document", DOCUMENTS)
def test_no_described_request_breaks_the_server(
    fuzzed: Fuzzed, mode: GenerationMode, document: str
) -> None:
    schema = schemathesis.openapi.from_asgi(document, fuzzed.app)
    operations = [
        result.ok()
        for result in schema.exclude(path="/v1/stream").get_all_operations()  # it never ends
    ]
    share = DOCUMENTS[document] / 2 / len(operations)
    faults: list[str] = []
    for operation in operations:
        send = sender(operation, mode, fuzzed.headers, time.monotonic() + share)
        try:
            send()
        except Unsatisfiable:
            continue  # nothing wrong can be sent to an operation without parameters
        except AssertionError as error:
            faults.append(str(error))
    assert faults == []
