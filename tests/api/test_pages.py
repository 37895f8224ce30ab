"""The start page, the sign-in page and the interface's documentation, without the internet."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient
from playwright.sync_api import Page, expect

from api.app import create_app
from gis.governance.actors import SYSTEM
from gis.services.access import issue_link
from gis.settings import Settings
from gis.store.unit_of_work import Database

HTML = {"Accept": "text/html"}


def test_start_page_of_an_empty_city_says_what_to_do(door: TestClient) -> None:
    answer = door.get("/", headers=HTML)
    assert answer.status_code == 200
    assert answer.headers["content-language"] == "zh-CN"
    assert "gridward demo load" in answer.text


def test_start_page_without_database_still_opens(quiet_settings: Settings) -> None:
    nowhere = Database("postgresql://nobody@/none?host=/nonexistent", pool_timeout_s=0.2)
    answer = TestClient(create_app(quiet_settings, nowhere)).get("/", headers=HTML)
    assert answer.status_code == 200
    assert "数据库暂不可用" in answer.text


def test_the_switch_of_language_is_kept(door: TestClient) -> None:
    english = door.get("/", params={"lang": "en"}, headers=HTML)
    assert '<html lang="en">' in english.text
    assert '<html lang="en">' in door.get("/", headers=HTML).text
    assert '<html lang="zh-CN">' in door.get("/", params={"lang": "zh"}, headers=HTML).text
    assert '<html lang="zh-CN">' in door.get("/", params={"lang": "<x>"}, headers=HTML).text


def test_the_browsers_language_does_not_turn_pages_english(door: TestClient) -> None:
    answer = door.get("/", headers={**HTML, "Accept-Language": "en-US,en;q=0.9"})
    assert '<html lang="zh-CN">' in answer.text


def test_every_link_of_the_start_page_is_served(door: TestClient) -> None:
    text = door.get("/", headers=HTML).text
    links = {part.partition('"')[0] for part in text.split('href="')[1:]}
    assert {"/docs", "/problems", "/readyz", "/sign-in"} <= links
    for link in links - {"#content"}:
        assert door.get(link, headers=HTML).status_code in {200, 303, 503}, link


def test_pages_hold_no_inline_script_or_style(door: TestClient) -> None:
    for path in ("/", "/sign-in", "/docs", "/problems", "/nowhere"):
        text = door.get(path, headers=HTML).text
        assert "<style" not in text
        assert " style=" not in text
        assert " onclick" not in text
        assert all("src=" in tag for tag in text.split("<script")[1:])


def test_assets_are_kept_by_their_hash(door: TestClient) -> None:
    text = door.get("/docs", headers=HTML).text
    script = next(
        part.partition('"')[0] for part in text.split('src="')[1:] if "swagger-ui-bundle" in part
    )
    hashed = door.get(script)
    assert hashed.headers["content-type"].startswith("text/javascript")
    assert "immutable" in hashed.headers["cache-control"]
    assert hashed.headers["content-encoding"] == "gzip"
    assert door.get(script, headers={"Accept-Encoding": "identity"}).content == hashed.content
    plain = door.get(script.partition("?")[0])
    assert plain.headers["cache-control"] == "no-cache"
    again = door.get(script, headers={"If-None-Match": plain.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "path",
    [
        "/assets/nope.js",
        "/assets/../pyproject.toml",
        "/assets/%2e%2e/%2e%2e/pyproject.toml",
        "/assets//etc/passwd",
        "/assets/pages/start.html",
        "/assets/swagger/..%2f..%2fpackage.json",
    ],
)
def test_nothing_else_is_served_as_an_asset(door: TestClient, path: str) -> None:
    assert door.get(path).status_code == 404


def test_browsers_find_the_icon_where_they_look_for_it(door: TestClient) -> None:
    icon = door.get("/favicon.ico")
    assert icon.status_code == 200
    assert icon.headers["content-type"] == "image/svg+xml"
    assert icon.headers["cache-control"] == "max-age=86400"
    assert icon.content == door.get("/assets/pages/icon.svg").content


@pytest.mark.browser
def test_start_page_shows_the_city(browser_page: Page) -> None:
    browser_page.goto("/")
    expect(browser_page.locator("h1")).to_be_visible()
    expect(browser_page.locator("dl.numbers dd").first).to_be_visible()
    browser_page.get_by_role("link", name="English").click()
    expect(browser_page.get_by_role("heading", level=2).first).to_have_text("Work")


@pytest.mark.browser
@pytest.mark.parametrize("width", [320, 768, 1920])
def test_pages_fit_every_width(browser_page: Page, width: int) -> None:
    browser_page.set_viewport_size({"width": width, "height": 800})
    for path in ("/", "/sign-in", "/problems"):
        browser_page.goto(path)
        overflow = browser_page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert overflow <= 0, path


@pytest.mark.browser
def test_interface_page_works_without_the_internet(browser_page: Page) -> None:
    browser_page.goto("/docs")
    expect(browser_page.locator(".opblock").first).to_be_visible(timeout=20_000)
    browser_page.locator("#operations-health-healthz_healthz_get").click()
    expect(browser_page.get_by_role("button", name="Try it out")).to_be_visible()


@pytest.mark.browser
def test_one_click_signs_in_and_one_signs_out(browser_page: Page, demo_city: Database) -> None:
    link = issue_link(demo_city, SYSTEM, role="dispatcher")
    browser_page.goto(f"/sign-in?link={link.secret}")
    browser_page.get_by_role("button", name="登录").click()
    expect(browser_page.locator(".who")).to_have_text("调度员 · 全市")
    assert link.secret not in browser_page.url
    browser_page.get_by_role("button", name="退出").click()
    expect(browser_page.get_by_role("navigation").get_by_role("link", name="登录")).to_be_visible()
