"""What the interface's own description lets a stranger send: never a 500, always a problem.

``python -m tests.fuzzing SECONDS`` goes on for longer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pytest
from fastapi import FastAPI
from schemathesis import GenerationMode

from api.app import create_app
from gis.cluster import Cluster
from gis.settings import Settings
from tests.conftest import cloned
from tests.fuzzing import DOCUMENTS, MODES, Headers, fuzz, people

SECONDS = 10.0
"""For each way of the larger description."""
EXAMPLES = 8


@dataclass(frozen=True)
class Fuzzed:
    app: FastAPI
    who: Sequence[tuple[str, Headers]]


@pytest.fixture(scope="module")
def fuzzed(cluster: Cluster, demo_template: str, quiet_settings: Settings) -> Iterator[Fuzzed]:
    """A demo city of its own."""
    with cloned(cluster, demo_template) as database:
        yield Fuzzed(create_app(quiet_settings, database), people(database))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("document", DOCUMENTS)
def test_no_described_request_breaks_the_server(
    fuzzed: Fuzzed, mode: GenerationMode, document: str
) -> None:
    seconds = SECONDS * DOCUMENTS[document]
    told = fuzz(fuzzed.app, fuzzed.who, document, mode, seconds=seconds, examples=EXAMPLES)
    assert told.faults == []
    assert told.operations > 20
    assert told.sent > 0
