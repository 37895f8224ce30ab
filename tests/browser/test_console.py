"""The console in a real browser: each job done as a person does it, with the network cut."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
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
from tests.conftest import cloned, serving

pytestmark = pytest.mark.browser

AXE = Path(__file__).parents[2] / "maps" / "node_modules" / "axe-core" / "axe.min.js"
HOSTILE = "<img src=x onerror=\"document.title='broken'\">{{ 7*7 }}</script><b>"
LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
Sign = Callable[..., Page]


@pytest.fixture(scope="module")
def city(cluster: Cluster, demo_template: str) -> Iterator[Database]:
    with cloned(cluster, demo_template) as database:
        yield database


@pytest.fixture(scope="module")
def base(city: Database, settings: Settings) -> Iterator[str]:
    with serving(create_app(settings, city)) as address:
        secret = issue_token(city, SYSTEM, role="dispatcher", days=1).secret
        with httpx.Client(base_url=address, timeout=60) as client:
            for number in range(3):  # a pin good to 3 km asserts no grid: a person decides
                told = client.post(
                    "/v1/events",
                    headers={"Authorization": f"Bearer {secret}"},
                    json={
                        "source": "snap",
                        "source_ref": f"doubtful-{number}",
                        "category": "event-exposed-rubbish",
                        "title": HOSTILE,
                        "location": {"lon": 118.3172, "lat": 32.3019, "accuracy_m": 3000},
                    },
                )
                assert told.json()["status"] == "review"
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
            issued = issue_token(city, SYSTEM, role=role, days=1, label="tests", person=person)
            page.goto("/sign-in?next=/healthz")
            page.fill("#token", issued.secret)
            page.click("button.primary")
        if not tour:
            page.add_init_script(
                "for (const page of ['browse', 'dispatch', 'plan', 'mine']) "
                "localStorage.setItem('gridward-tour-' + page, '1')"
            )
        page.goto(path)
        return page

    yield enter
    for context in opened:
        context.close()
    assert faults == []


def violations(page: Page) -> list[str]:
    """What axe finds of WCAG level A and AA."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate(
        "levels => axe.run(document, {runOnly: {type: 'tag', values: levels}})", LEVELS
    )
    return [
        f"{one['id']}: {node['html'][:160]}" for one in found["violations"] for node in one["nodes"]
    ]


def idle(page: Page) -> None:
    """Wait until the map has drawn what it asked for (the policy forbids to poll inside it)."""
    for _ in range(400):
        if page.evaluate("Boolean(window.gridward && window.gridward.city.view.loaded())"):
            return
        page.wait_for_timeout(50)
    pytest.fail("the map is not done drawing")


# --- browse ---------------------------------------------------------------------------------------


def test_a_click_tells_whose_place_it_is(sign: Sign) -> None:
    page = sign(None, "/browse")
    idle(page)
    box = page.locator("#map canvas").first.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    here = page.locator("#here")
    expect(here.locator("h2")).to_contain_text("网格")
    expect(here).to_contain_text("责任单位")
    expect(here).to_contain_text("附近的站点")
    assert "pin=" in page.url
    again = page.url
    page.goto("/healthz")
    page.goto(again)
    expect(page.locator("#here h2")).to_contain_text("网格")  # the link restores it


def test_browse_by_keyboard_alone(sign: Sign) -> None:
    page = sign(None, "/browse")
    idle(page)
    page.keyboard.press("/")
    expect(page.locator("#search")).to_be_focused()
    page.keyboard.type("社区")
    expect(page.locator("#found button").first).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator("#found button").first).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#here h2")).to_contain_text("社区")
    page.locator("#map canvas").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#here")).to_contain_text("责任单位")


def test_first_visit_gets_a_tour_of_three_steps_once(sign: Sign) -> None:
    page = sign(None, "/browse", tour=True)
    for step in ("1 / 3", "2 / 3", "3 / 3"):
        expect(page.locator(".gw-tour")).to_contain_text(step)
        page.keyboard.press("Enter")
    expect(page.locator(".gw-tour")).to_have_count(0)
    page.reload()
    idle(page)
    expect(page.locator(".gw-tour")).to_have_count(0)


# --- dispatch -------------------------------------------------------------------------------------


def test_a_doubtful_case_is_confirmed_on_the_map_and_can_be_taken_back(sign: Sign) -> None:
    page = sign("dispatcher", "/dispatch")
    first = page.locator("#list button").first
    expect(first).to_contain_text("<img")  # a hostile title stays text
    page.keyboard.press("j")
    expect(page.locator("#case h2")).to_contain_text("<img")
    expect(page.locator("#case")).to_contain_text("为什么")
    number = page.locator("#case code").first.inner_text()
    idle(page)
    page.get_by_role("button", name="在地图上选网格").click()
    box = page.locator("#map canvas").first.bounding_box()
    assert box is not None
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.click(*middle)
    expect(page.locator("#case")).to_contain_text("即将执行")
    page.keyboard.press("z")
    expect(page.locator("#case")).not_to_contain_text("即将执行")
    page.get_by_role("button", name="在地图上选网格").click()
    page.mouse.click(*middle)
    expect(page.locator("#case .gw-story")).to_contain_text("确认", timeout=15_000)
    expect(page.locator("#case .gw-tag")).to_have_text("待签收")
    expect(page.locator("#list")).not_to_contain_text(number)
    assert page.title() != "broken"


def test_two_dispatchers_see_each_other_at_once_and_overwrite_nothing(sign: Sign) -> None:
    one, two = (
        sign("dispatcher", "/dispatch#lane=running"),
        sign("dispatcher", "/dispatch#lane=running"),
    )
    for page in (one, two):
        page.locator("#list button").first.click()
        expect(page.locator("#case h2")).to_be_visible()
    assert (
        one.locator("#case code").first.inner_text() == two.locator("#case code").first.inner_text()
    )
    one.get_by_role("button", name="督办").click()
    one.locator("dialog textarea").fill("请今日办结")
    one.locator("dialog .gw-primary").click()
    expect(one.locator("#case .gw-story")).to_contain_text("请今日办结")
    expect(two.locator("#case .gw-story")).to_contain_text("请今日办结", timeout=10_000)


# --- mine -----------------------------------------------------------------------------------------


def test_a_worker_accepts_without_a_network_and_it_is_sent_once(sign: Sign, city: Database) -> None:
    with city.transaction(SYSTEM) as work:
        order = work.rows(
            sa.text(
                "select code, assignee_id from work_orders where status = 'dispatched' "
                "order by code limit 1"
            )
        )[0]
    page = sign(
        "grid_worker",
        "/mine",
        wide=False,
        person=str(order["assignee_id"]),
        forgive="ERR_INTERNET_DISCONNECTED",
    )
    card = page.locator(".gw-case", has_text=order["code"])
    expect(card).to_be_visible()
    blocked = "**/v1/work-orders/*/actions"
    page.context.route(blocked, lambda route: route.abort("internetdisconnected"))
    card.get_by_role("button", name="签收").click()
    expect(card).to_contain_text("待发送")
    page.context.unroute(blocked)
    page.get_by_role("button", name="刷新并发送").click()
    expect(card).not_to_contain_text("待发送")
    expect(card.get_by_role("button", name="反馈")).to_be_visible()
    with city.transaction(SYSTEM) as work:
        count = work.scalar(
            sa.text(
                "select count(*) from log_entries where work_order_code = :code "
                "and action = 'accept'"
            ),
            code=order["code"],
        )
    assert count == 1


# --- plan -----------------------------------------------------------------------------------------


def test_a_station_added_in_thought_changes_the_numbers(sign: Sign) -> None:
    page = sign("planner", "/plan")
    figure = page.locator("#figures dd").first
    expect(figure).not_to_be_empty(timeout=20_000)
    expect(page.locator("#areas tbody tr").first).to_be_visible()
    page.get_by_role("button", name="新增站点").click()
    page.locator("#map canvas").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#changes")).to_contain_text("新站点 1")
    expect(figure.locator("small")).to_be_visible(timeout=20_000)
    said = json.loads(page.evaluate("new URLSearchParams(location.hash.slice(1)).get('scenario')"))
    assert said["changes"][0]["action"] == "add"


def test_where_next_comes_with_its_proof(sign: Sign) -> None:
    page = sign("planner", "/plan")
    page.get_by_role("tab", name="选址").click()
    page.locator("#k").fill("2")
    page.locator("#k").dispatch_event("change")
    page.get_by_role("button", name="寻找位置").click()
    expect(page.locator("#sited ol li")).to_have_count(2, timeout=60_000)
    expect(page.locator("#sited")).to_contain_text("最优")


# --- everywhere -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "path"),
    [
        (None, "/browse"),
        ("dispatcher", "/dispatch"),
        ("planner", "/plan"),
        ("grid_worker", "/mine"),
    ],
)
def test_pages_are_usable_by_everybody_and_fit_a_phone(
    sign: Sign, role: str | None, path: str
) -> None:
    for wide in (True, False):
        page = sign(role, path, wide=wide)
        expect(page.locator("main")).to_be_visible()
        if path == "/dispatch":
            page.locator("#list button").first.click()
            expect(page.locator("#case h2")).to_be_visible()
        if path == "/plan":
            expect(page.locator("#areas tbody tr").first).to_be_visible(timeout=20_000)
        assert violations(page) == []
        overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert overflow <= 0


def test_visitors_are_led_to_the_sign_in_and_back(sign: Sign, city: Database) -> None:
    page = sign(None, "/plan", forgive="403 (Forbidden)")
    assert "/sign-in?next=/plan" in page.url
    page.fill("#token", issue_token(city, SYSTEM, role="planner", days=1).secret)
    page.click("button.primary")
    expect(page.locator("h1")).to_have_text("规划")
    dispatcher = page.context.new_page()
    dispatcher.goto("/dispatch")  # a planner is no dispatcher: said in words
    expect(dispatcher.locator("body")).to_contain_text("角色")


def test_why_page_names_no_person(sign: Sign, city: Database) -> None:
    with city.transaction(SYSTEM) as work:
        row = work.rows(
            sa.text(
                "select e.id, p.name from work_orders w join events e on e.id = w.event_id "
                "join persons p on p.id = w.assignee_id order by w.code limit 1"
            )
        )[0]
    page = sign(None, f"/why/{row['id']}")
    expect(page.locator("h1")).to_have_text("为什么这样派单")
    assert row["name"] not in page.content()
