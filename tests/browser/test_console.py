"""Dispatching, a worker's phone and the pages around them, as people do it, network cut."""

from __future__ import annotations

import io
import json

import httpx
import pytest
import sqlalchemy as sa
from PIL import Image
from playwright.sync_api import expect

from gis.governance.actors import SYSTEM
from gis.services.access import issue_token
from gis.store.unit_of_work import Database
from tests.browser.desk import HOSTILE, Sign, idle, middle, violations

pytestmark = pytest.mark.browser


# --- dispatch -------------------------------------------------------------------------------------


def test_a_doubtful_case_takes_one_key_and_a_slip_can_be_taken_back(sign: Sign) -> None:
    page = sign("dispatcher", "/dispatch")
    expect(page.locator("#list button").first).to_contain_text("<img")  # a hostile title stays text
    page.keyboard.press("j")
    case = page.locator("#case")
    expect(case.locator("h2")).to_contain_text("<img")
    expect(case).to_contain_text("为什么")
    number = case.locator("code").first.inner_text()
    page.keyboard.press("1")
    expect(case).to_contain_text("即将执行")
    page.keyboard.press("z")
    expect(case).not_to_contain_text("即将执行")
    page.keyboard.press("2")
    expect(case).to_contain_text("即将执行")
    page.keyboard.press("j")  # going on sends what is held
    expect(page.locator("#list")).not_to_contain_text(number, timeout=15_000)
    page.locator("#tab-running").click()
    page.locator("#q").fill(number)
    expect(page.locator("#list button")).to_have_count(1)
    page.locator("#list button").first.click()
    expect(case.locator(".gw-story")).to_contain_text("确认")
    expect(case.locator(".gw-tag")).to_have_text("待签收")
    assert page.title() != "broken"


def test_the_same_thing_reported_twice_is_joined(sign: Sign, base: str, city: Database) -> None:
    secret = issue_token(city, SYSTEM, role="dispatcher", days=1).secret
    ids = []
    for number in range(2):
        told = httpx.post(
            f"{base}/v1/events",
            headers={"Authorization": f"Bearer {secret}"},
            json={
                "source": "snap",
                "source_ref": f"twice-{number}",
                "category": "event-exposed-rubbish",
                "title": "路口垃圾堆放",
                "location": {"lon": 118.3251, "lat": 32.3041, "accuracy_m": 10},
            },
            timeout=60,
        )
        ids.append(told.json()["id"])
    page = sign("dispatcher", f"/dispatch#case={ids[1]}")
    expect(page.locator("#case")).to_contain_text("可能重复")
    page.get_by_role("button", name="是重复件").first.click()
    expect(page.locator("#case")).to_contain_text("即将执行")
    page.locator("#list button").first.click()  # going on sends what is held
    expect(page.locator("#case h2")).to_contain_text("<img")
    page.goto(f"/dispatch#case={ids[1]}")
    page.reload()
    expect(page.locator("#case .gw-story")).to_contain_text("重复")


def test_a_late_answer_about_another_case_shows_nothing(sign: Sign) -> None:
    page = sign("dispatcher", "/dispatch")
    rows = page.locator("#list button")
    rows.nth(0).click()
    first = page.locator("#case code").first.inner_text()
    idle(page)
    page.evaluate(  # what is asked about the first case from now on comes late
        "() => { const id = gridward.opened.event.id, plain = fetch; window.late = 0;"
        " window.fetch = async (...asked) => { const answer = await plain(...asked);"
        " if (String(asked[0].url ?? asked[0]).endsWith(id)) {"
        " await new Promise((done) => setTimeout(done, 800)); window.late += 1; }"
        " return answer; }; gridward.opened.open(id, {fit: false}); }"
    )
    rows.nth(1).click()
    expect(page.locator("#case code").first).not_to_have_text(first)
    second = page.locator("#case code").first.inner_text()
    for _ in range(400):
        if page.evaluate("window.late") > 0:
            break
        page.wait_for_timeout(50)
    page.wait_for_timeout(200)  # what it would do with the answer
    assert page.evaluate("window.late") > 0
    assert page.locator("#case code").first.inner_text() == second


def test_a_grid_is_chosen_by_a_click_on_the_map(sign: Sign) -> None:
    page = sign("dispatcher", "/dispatch")
    page.locator("#list button").first.click()
    number = page.locator("#case code").first.inner_text()
    idle(page)
    page.get_by_role("button", name="在地图上选网格").click()
    page.mouse.click(*middle(page))
    expect(page.locator("#case")).to_contain_text("即将执行")
    page.locator("#list button").nth(1).click()
    expect(page.locator("#list")).not_to_contain_text(number, timeout=15_000)


def test_the_queue_is_searched_by_address_number_and_worker_and_filtered(
    sign: Sign, city: Database
) -> None:
    with city.transaction(SYSTEM) as work:
        late = work.rows(
            sa.text(
                "select w.code, p.name, e.number, e.address from work_orders w "
                "join persons p on p.id = w.assignee_id join events e on e.id = w.event_id "
                "where w.closed_at is null and e.address is not null order by w.code limit 1"
            )
        )[0]
    page = sign("dispatcher", "/dispatch#lane=overdue")
    rows = page.locator("#list button")
    for text in (late["number"], late["address"], late["name"]):
        page.locator("#q").fill(text)
        expect(rows.filter(has_text=late["number"])).to_have_count(1)
    page.locator("#q").fill("没有这样的案件")
    expect(page.locator("#list")).to_contain_text("没有超期工单")
    expect(page.locator("#list")).to_contain_text("清空搜索和筛选")
    page.locator("#q").fill("")
    page.locator("#tab-review").click()
    page.locator("#source").select_option("patrol")
    expect(rows.first).to_contain_text("巡查上报")
    assert page.locator("#list small", has_text="随手拍").count() == 0
    page.locator("#category").select_option("event-exposed-rubbish")
    expect(rows.first).to_contain_text("<img")


def test_two_dispatchers_see_each_other_at_once_and_overwrite_nothing(sign: Sign) -> None:
    one, two = (sign("dispatcher", "/dispatch#lane=running") for _ in range(2))
    for page in (one, two):
        page.locator("#list button").first.click()
        expect(page.locator("#case h2")).to_be_visible()
    numbers = [page.locator("#case code").first.inner_text() for page in (one, two)]
    assert numbers[0] == numbers[1]
    two.get_by_role("button", name="督办").click()  # asked before the other one acted
    one.get_by_role("button", name="督办").click()
    one.locator("dialog textarea").fill("请今日办结")
    one.locator("dialog .gw-primary").click()
    expect(one.locator("#case .gw-story")).to_contain_text("请今日办结")
    expect(two.locator("#case .gw-story")).to_contain_text("请今日办结", timeout=10_000)
    two.locator("dialog textarea").fill("我也来督办")
    two.locator("dialog .gw-primary").click()
    expect(two.locator("#case .gw-story")).to_contain_text("我也来督办")
    expect(two.locator("#case .gw-story")).to_contain_text("请今日办结")


# --- mine -----------------------------------------------------------------------------------------


def test_a_worker_accepts_and_resolves_with_a_photo_without_a_network(
    sign: Sign, city: Database
) -> None:
    with city.transaction(SYSTEM) as work:
        order = work.rows(
            sa.text(
                "select code, assignee_id, event_id from work_orders where status = 'dispatched' "
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
    actions = "**/v1/work-orders/*/actions"

    def without_network(button: str, *, fields: bool) -> None:
        page.context.route(actions, lambda route: route.abort("internetdisconnected"))
        card.get_by_role("button", name=button).click()
        if fields:
            picture = io.BytesIO()
            Image.new("RGB", (64, 48), "#386").save(picture, "JPEG")
            page.locator("dialog input[type=file]").set_input_files(
                {"name": "done.jpg", "mimeType": "image/jpeg", "buffer": picture.getvalue()}
            )
            page.locator("dialog textarea").fill("已清理")
            page.locator("dialog .gw-primary").click()
        expect(card).to_contain_text("待发送")
        page.context.unroute(actions)
        page.get_by_role("button", name="刷新并发送").click()

    without_network("签收", fields=False)
    expect(card).not_to_contain_text("待发送")
    expect(card.get_by_role("button", name="反馈")).to_be_visible()
    without_network("反馈", fields=True)
    expect(card).not_to_contain_text("待发送")
    expect(card.get_by_role("button", name="反馈")).to_have_count(0)
    assert "gw-warning" not in card.inner_html()
    with city.transaction(SYSTEM) as work:
        done = work.rows(
            sa.text(
                "select action, count(*) as times from log_entries where work_order_code = :code "
                "and action in ('accept', 'resolve') group by action order by action"
            ),
            code=order["code"],
        )
        photos = work.scalar(
            sa.text("select count(*) from attachments where event_id = :id"), id=order["event_id"]
        )
    assert [(row["action"], row["times"]) for row in done] == [("accept", 1), ("resolve", 1)]
    assert photos == 1


# --- deliberation ---------------------------------------------------------------------------------


def test_a_matter_is_raised_and_taken_through_all_steps_on_its_page(
    sign: Sign, city: Database
) -> None:
    page = sign("dispatcher", "/deliberation")
    item, counts = page.locator("#item"), page.locator("#tab-raised .gw-count")
    expect(counts).to_contain_text("3")
    page.keyboard.press("j")  # opens the first one, and moves the map to it
    expect(item.locator("h2")).to_have_text("小区东门加装充电桩")
    expect(item).to_contain_text("超期")
    idle(page)
    page.locator("#raise").click()
    expect(page.locator("dialog")).to_contain_text("网格")  # whose place the middle of the map is
    page.locator("dialog [name=title]").fill(HOSTILE)
    page.locator("dialog .gw-primary").click()
    expect(item.locator("h2")).to_have_text(HOSTILE)
    expect(counts).to_contain_text("4")
    number = item.locator("code").inner_text()
    for button, field, said, state in (
        ("定事", None, "", "已定事"),
        ("议事", "note", "到会二十人", "议事中"),
        ("决事", "decision", "装两组", "已决事"),
        ("办事", None, "", "办事中"),
        ("办结", "note", "已装好", "待评事"),
        ("评事", "score", "4", "已评事"),
    ):
        item.get_by_role("button", name=button, exact=True).click()
        if field == "score":
            page.locator("dialog [name=score]").select_option(said)
        elif field is not None:
            page.locator(f"dialog [name={field}]").fill(said)
        page.locator("dialog .gw-primary").click()
        expect(item.locator(".gw-tag")).to_have_text(state)
    expect(item).to_contain_text("装两组")
    expect(item).to_contain_text("已结束")
    expect(page.locator("#tab-ended")).to_have_attribute("aria-selected", "true")
    with city.reading(SYSTEM) as work:
        row = work.rows(
            sa.text(
                "select d.status, d.score, count(*) as entries from deliberations d join "
                "deliberation_entries e on e.deliberation_id = d.id where d.number = :number "
                "group by 1, 2"
            ),
            number=number,
        )[0]
    assert (row["status"], row["score"], row["entries"]) == ("assessed", 4, 7)
    assert page.title() != "broken"
    page = sign("planner", f"/deliberation{page.evaluate('location.hash')}")  # may look
    expect(page.locator("#item h2")).to_have_text(HOSTILE)
    page.locator("#tab-set").click()
    page.locator("#list button").first.click()
    expect(page.locator("#item")).to_contain_text("您可以查看")
    page.locator("#overdue").check()
    expect(page.locator("#list")).to_contain_text("没有事项")
    page = sign("admin", "/deliberation", wide=False)  # who sees every page has the longest bar
    page.get_by_role("link", name="English").click()
    expect(page.locator("#lanes")).to_contain_text("To assess")
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


# --- everywhere -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "path"),
    [
        (None, "/"),
        (None, "/sign-in"),
        ("planner", "/maps"),
        (None, "/browse"),
        ("dispatcher", "/dispatch"),
        ("dispatcher", "/deliberation"),
        ("planner", "/plan"),
        ("grid_worker", "/mine"),
        (None, "/problems"),
        (None, "/no-such-page"),
        ("planner", "/maps/community-staffing"),
    ],
)
def test_pages_are_usable_by_everybody_in_light_and_dark_and_fit_a_phone(
    sign: Sign, role: str | None, path: str
) -> None:
    page = sign(role, path, forgive="404")
    expect(page.locator("main, .gw-panel")).to_be_visible()
    if path == "/dispatch":
        page.locator("#list button").first.click()
        expect(page.locator("#case h2")).to_be_visible()
    if path == "/deliberation":
        page.locator("#list button").first.click()
        expect(page.locator("#item .gw-story")).to_contain_text("点事")
    if path == "/plan":
        expect(page.locator("#areas tbody tr").first).to_be_visible(timeout=20_000)
    if path == "/browse":
        idle(page)
        page.mouse.click(*middle(page))
        expect(page.locator("#here h2")).to_contain_text("网格")
    assert violations(page) == []
    page.set_viewport_size({"width": 390, "height": 780})
    page.emulate_media(color_scheme="dark")
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_signing_in_says_what_is_wrong_and_leads_back(sign: Sign, city: Database) -> None:
    page = sign(None, "/plan", forgive="40")  # 401 and 403 are what this is about
    assert "/sign-in?next=/plan" in page.url
    page.fill("#token", "gwt_wrong")
    page.click("button.primary")
    expect(page.get_by_role("alert")).to_contain_text("令牌")
    page.fill("#token", issue_token(city, SYSTEM, role="planner", days=1).secret)
    page.click("button.primary")
    expect(page.locator("h1")).to_have_text("规划")
    page.goto("/dispatch")  # a planner is no dispatcher: said in words
    expect(page.locator("body")).to_contain_text("角色")
    page.goto("/")
    expect(page.locator("main")).to_contain_text("站点覆盖")
    assert page.locator("a[href='/dispatch']").count() == 0


def test_english_is_one_click_away_and_scope_is_shown(sign: Sign) -> None:
    page = sign("dispatcher", "/dispatch", area="341102")
    expect(page.locator(".gw-who")).to_contain_text("琅琊区")
    page.get_by_role("link", name="English").click()
    expect(page.locator("#lanes")).to_contain_text("To review")
    expect(page.locator(".gw-who")).to_contain_text("dispatcher")


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
    assert violations(page) == []
    page.emulate_media(color_scheme="dark")
    assert violations(page) == []
    page.get_by_role("link", name="在地图上看这个网格").click()
    expect(page.locator("#here h2")).to_contain_text("网格")


@pytest.mark.parametrize(
    ("role", "path"),
    [
        ("dispatcher", "dispatch"),
        ("dispatcher", "deliberation"),
        ("planner", "plan"),
        (None, "browse"),
        ("grid_worker", "mine"),
    ],
)
def test_first_visit_gets_a_tour_of_three_steps_once(
    sign: Sign, role: str | None, path: str
) -> None:
    page = sign(role, f"/{path}", tour=True, wide=path != "mine")
    for step in ("1 / 3", "2 / 3", "3 / 3"):
        expect(page.locator(".gw-tour")).to_contain_text(step, timeout=20_000)
        expect(page.locator(".gw-pointed")).to_be_visible()
        page.keyboard.press("Enter")
    expect(page.locator(".gw-tour")).to_have_count(0)
    assert json.loads(page.evaluate(f"localStorage.getItem('gridward-tour-{path}')")) == 1
    page.add_init_script(
        "window.shown = 0; new MutationObserver((changes) => { for (const {addedNodes} of changes) "
        "for (const one of addedNodes) if (one.className === 'gw-tour') window.shown += 1; })"
        ".observe(document, {childList: true, subtree: true})"
    )
    page.reload()
    for _ in range(200):  # the button works as soon as the page knows whether to begin by itself
        page.locator("#help").click()
        if page.locator(".gw-tour").count():
            break
        page.wait_for_timeout(100)
    page.keyboard.press("Escape")
    expect(page.locator(".gw-tour")).to_have_count(0)
    assert page.evaluate("window.shown") == 1


def test_a_long_lane_shows_its_first_rows_and_more_on_demand(
    sign: Sign, base: str, city: Database
) -> None:
    secret = issue_token(city, SYSTEM, role="dispatcher", days=1).secret
    with httpx.Client(
        base_url=base, headers={"Authorization": f"Bearer {secret}"}, timeout=60
    ) as desk:
        for number in range(41):
            told = desk.post(
                "/v1/events",
                json={
                    "source": "snap",
                    "source_ref": f"long-{number}",
                    "title": f"城外 {number}",
                    "location": {"lon": 116.0, "lat": 32.3, "accuracy_m": 5},
                },
            )
            assert told.json()["status"] == "outside", told.text
        asked: list[str] = []
        page = sign("dispatcher", "/dispatch#lane=unrouted")
        page.on("request", lambda request: asked.append(request.url))
        rows = page.locator("#list button[data-id]")
        outside = rows.filter(has_text="城外")
        expect(outside).to_have_count(40)
        expect(outside.first).to_contain_text("城外 40")
        counts = [
            desk.get(f"/v1/events?status={status}&count=true&limit=1").json()["total"]
            for status in ("unrouted", "outside", "registered")
        ]
        assert sum(counts) >= 41
        expect(page.locator("#tab-unrouted b")).to_have_text(str(sum(counts)))
        page.locator("#q").fill("城外 0")  # what is not shown yet is found
        expect(rows).to_have_count(1)
        page.locator("#q").fill("")
        expect(outside).to_have_count(40)
        page.get_by_role("button", name="显示更多").click()
        expect(outside).to_have_count(41)
        told = desk.post(
            "/v1/events",
            json={
                "source": "snap",
                "source_ref": "long-live",
                "title": "城外 新",
                "location": {"lon": 116.0, "lat": 32.3},
            },
        )
        expect(outside).to_have_count(42)  # live, and nothing that was asked for is gone
        expect(page.locator("#tab-unrouted b")).to_have_text(str(sum(counts) + 1))
        assert any("limit=40" in url for url in asked)
        assert not any("limit=200" in url for url in asked)
