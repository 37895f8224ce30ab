"""Requests that the interface's own description allows, and some that it does not, by every role.

In the suite for seconds (tests/api/test_fuzz.py); ``python -m tests.fuzzing [SECONDS [SEED]]``
goes on for longer, on a demo city of its own, and prints what was sent and answered.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.schemas import APIOperation

from gis.governance.actors import ROLES, SYSTEM
from gis.services.access import issue_token
from gis.store.unit_of_work import Database

DOCUMENTS = {"/openapi.json": 1.0, "/ogc/api": 0.5}
"""Description -> its share of the time."""
MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
Headers = dict[str, str]


class Enough(BaseException):
    """The time of an operation is up; no Exception, so that Hypothesis lets it pass at once."""


@dataclass
class Told:
    """What was answered: by role and status, and what broke the contract."""

    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    operations: int = 0

    @property
    def sent(self) -> int:
        return sum(self.answers.values())


def people(database: Database) -> list[tuple[str, Headers]]:
    """Every role with its sign-in, and nobody; administrators come every other time.

    What an administrator sends gets through to where it can break something; the others find what
    is open to them.
    """
    found: list[tuple[str, Headers]] = []
    for role in ROLES:
        secret = issue_token(database, SYSTEM, role=role, days=1, label="fuzz").secret
        found.append((role, {"Authorization": f"Bearer {secret}"}))
    admin = next(one for one in found if one[0] == "admin")
    others = [one for one in found if one[0] != "admin"]
    return [one for other in [*others, ("nobody", {})] for one in (admin, other)]


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
    operation: APIOperation,
    mode: GenerationMode,
    who: Sequence[tuple[str, Headers]],
    told: Told,
    *,
    examples: int,
    until: float,
    start: int,
) -> Callable[[], None]:
    """Return the Hypothesis test of one operation; at its time it ends with :class:`Enough`."""
    turns, first = count(), told.sent  # so that first turns go round as well

    @seed(start)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def send(case: schemathesis.Case) -> None:
        turn = next(turns)
        if turn and time.monotonic() > until:
            raise Enough
        role, headers = who[(first + turn) % len(who)]
        answer = case.call(headers=headers)
        told.answers[role, answer.status_code] += 1
        fault = problem_of(answer)
        assert fault is None, f"as {role}: {case.as_curl_command()}\n{fault}"

    return send


def fuzz(
    app: FastAPI,
    who: Sequence[tuple[str, Headers]],
    document: str,
    mode: GenerationMode,
    *,
    seconds: float,
    examples: int,
    start: int = 20261123,
) -> Told:
    """Send to every operation of a description, each for its share of the time."""
    schema = schemathesis.openapi.from_asgi(document, app)
    operations = [
        result.ok()
        for result in schema.exclude(path="/v1/stream").get_all_operations()  # it never ends
    ]
    told = Told(operations=len(operations))
    share = seconds / len(operations)
    for operation in operations:
        until = time.monotonic() + share
        send = sender(operation, mode, who, told, examples=examples, until=until, start=start)
        try:
            send()
        except Enough:
            continue
        except Unsatisfiable:
            continue  # nothing wrong can be sent to an operation without parameters
        except AssertionError as error:
            told.faults.append(str(error))
    return told


def main(seconds: float = 600.0, start: int = 20261123) -> int:
    """Fuzz for about so many seconds; ``start`` seeds what is sent. Return the exit status."""
    from api.app import create_app
    from gis.cluster import Cluster
    from gis.settings import Settings
    from layers.demo.load import load
    from tests.processes import gridward

    home = Path(tempfile.mkdtemp(prefix="gridward-fuzz-"))
    home.chmod(0o755)
    whole = sum(DOCUMENTS.values()) * len(MODES)
    faults: list[str] = []
    with Cluster(home).lease() as cluster:
        gridward(home, "db", "migrate")
        database = Database(cluster.url("app"))
        load(database, scale=0.04)
        who = people(database)
        app = create_app(Settings(home=home, log_level="error"), database)
        for document, part in DOCUMENTS.items():
            for mode in MODES:
                given_s = seconds * part / whole
                told = fuzz(
                    app, who, document, mode, seconds=given_s, examples=100_000, start=start
                )
                statuses = Counter[int]()
                for (_, status), times in told.answers.items():
                    statuses[status] += times
                roles = len({role for role, _ in told.answers})
                print(
                    f"{document} {mode.value}: {told.operations} operations, {told.sent} requests "
                    f"by {roles} roles, {len(told.faults)} faults; "
                    + ", ".join(f"{status}: {times}" for status, times in sorted(statuses.items())),
                    flush=True,
                )
                faults += told.faults
        database.close()
    Cluster(home).reset()
    shutil.rmtree(home, ignore_errors=True)
    print("\n\n".join(faults))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
