"""Every requirement of the suite in tests/conformance.py, on the demo city."""

from __future__ import annotations

import httpx
import pytest

from tests.conformance import CHECKS, Service


@pytest.fixture(scope="module")
def service(client: httpx.Client, served: str) -> Service:
    return Service(client, f"{served}/ogc")


@pytest.mark.parametrize("requirement", CHECKS)
def test_requirement(service: Service, requirement: str) -> None:
    CHECKS[requirement](service)
