"""A demo city, its server, and browsers of people who are signed in."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Route,
    ViewportSize,
    expect,
)

from api.app import create_app
from gis.cluster import Cluster
from gis.governance.actors import SYSTEM
from gis.services.access import issue_token
from gis.settings import Settings
from gis.store.unit_of_work import Database
from tests.browser.desk import HOSTILE, Sign
from tests.conftest import cloned, serving

expect.set_options(timeout=20_000)  # what is slow on a busy machine is not wrong


@pytest.fixture(scope="module")
def city(cluster: Cluster, demo_template: str) -> Iterator[Database]:
    with cloned(cluster, demo_template) as database:
        yield database


@pytest.fixture(scope="module")
def base(city: Database, settings: Settings) -> Iterator[str]:
    with serving(create_app(settings, city)) as address:
        secret = issue_token(city, SYSTEM, role="dispatcher", days=1).secret
        with httpx.Client(base_url=address, timeout=60) as client:
            for number, source in enumerate(("patrol", "snap", "snap", "snap")):
                told = client.post(
                    "/v1/events",
                    headers={"Authorization": f"Bearer {secret}"},
                    json={
                        "source": source,
                        "source_ref": f"doubtful-{number}",
                        "category": "event-exposed-rubbish",
                        "title": HOSTILE,
                        # good to 3 km asserts no grid: a person decides
                        "location": {"lon": 118.3172, "lat": 32.3019, "accuracy_m": 3000},
                    },
                )
                assert told.json()["status"] == "review", told.text
                assert told.json()["match"]["candidates"]
        yield address


@pytest.fixture
def sign(chromium: Browser, base: str, city: Database) -> Iterator[Sign]:
    """`sign(role, path)`: a page of a new browser, signed in; the console must stay silent.

    The browser may only talk to the server. ``forgiven`` is a fault that a test makes itself.
    """
    opened: list[BrowserContext] = []
    faults: list[str] = []
    forgiven: set[str] = set()

    def guard(route: Route) -> None:
        if route.request.url.startswith((base, "data:", "blob:")):
            route.continue_()
        else:
            faults.append(f"request off the host: {route.request.url}")
            route.abort()

    def heard(said: ConsoleMessage) -> None:
        if said.type == "error" and not any(words in said.text for words in forgiven):
            faults.append(f"{said.text} ({said.location.get('url')})")

    def enter(
        role: str | None,
        path: str,
        *,
        tour: bool = False,
        wide: bool = True,
        forgive: str | None = None,
        person: str | None = None,
        area: str | None = None,
    ) -> Page:
        size: ViewportSize = {"width": 1400 if wide else 390, "height": 850 if wide else 780}
        context = chromium.new_context(base_url=base, locale="zh-CN", viewport=size)
        opened.append(context)
        forgiven.update([forgive] if forgive else [])
        context.route("**/*", guard)
        context.on("console", heard)
        context.on("weberror", lambda error: faults.append(str(error.error)))
        page = context.new_page()
        if role is not None:
            issued = issue_token(city, SYSTEM, role=role, area=area, days=1, person=person)
            page.goto("/sign-in?next=/healthz")
            page.fill("#token", issued.secret)
            page.click("button.primary")
        if not tour:
            page.add_init_script(
                "for (const page of ['browse', 'deliberation', 'dispatch', 'plan', 'mine']) "
                "localStorage.setItem('gridward-tour-' + page, '1')"
            )
        page.goto(path)
        return page

    yield enter
    for context in opened:
        context.close()
    assert faults == []
