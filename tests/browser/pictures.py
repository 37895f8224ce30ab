"""``make screenshots``: the pictures of the README, taken of the demo city as it is now.

Pages are shown as people see them at 1400 by 850; a palette keeps each picture small. With a
``GRIDWARD_HOME`` whose demo city is loaded and whose database runs, that one is taken.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.browser.chromium import chromium
from tests.browser.desk import idle
from tests.processes import demo_home, gridward, serving_process

PICTURES: Final = Path(__file__).parents[2] / "maps" / "pictures"
SIZE: Final = (1400, 850)
COLOURS: Final = 256
LARGEST: Final = 300_000
PATIENCE_MS: Final = 60_000


def main() -> None:
    with city() as home, serving_process(home) as server, chromium() as browser:
        secrets = {
            role: json.loads(gridward(home, "token", "--role", role, "--json"))["token"]
            for role in ("dispatcher", "planner")
        }
        page = signed_in(browser, server.base, secrets["dispatcher"])
        dispatch(page, doubtful(server.base, secrets["dispatcher"]))
        keep(page, "dispatch")
        page = signed_in(browser, server.base, secrets["planner"])
        plan(page)
        keep(page, "plan")
        browse(page)
        keep(page, "browse")
        page.goto("/maps/station-coverage?kinds=job_service")
        expect(page.locator("canvas").first).to_be_visible(timeout=PATIENCE_MS)
        page.wait_for_timeout(1000)
        keep(page, "station-coverage")


@contextmanager
def city() -> Iterator[Path]:
    """The home of a demo city at full scale."""
    if "GRIDWARD_HOME" in os.environ:
        yield Path(os.environ["GRIDWARD_HOME"])
        return
    home = Path(tempfile.mkdtemp(prefix="gridward-pictures-"))
    home.chmod(0o755)
    try:
        with demo_home(home / "city"):
            yield home / "city"
    finally:
        shutil.rmtree(home, ignore_errors=True)


def doubtful(base: str, secret: str) -> str:
    """Report something close to a border of grids, and return the id of the event."""
    told = httpx.post(
        f"{base}/v1/events",
        headers={"Authorization": f"Bearer {secret}"},
        json={
            "source": "snap",
            "source_ref": "picture",
            "category": "event-exposed-rubbish",
            "title": "路口垃圾堆放",
            "address": "文昌大道",
            "location": {"lon": 118.3224, "lat": 32.2999, "crs": "GCJ-02", "accuracy_m": 60},
        },
        timeout=60,
    )
    assert told.json()["status"] == "review", told.text
    return str(told.json()["id"])


def signed_in(browser: Browser, base: str, secret: str) -> Page:
    width, height = SIZE
    context = browser.new_context(
        base_url=base, locale="zh-CN", viewport={"width": width, "height": height}
    )
    page = context.new_page()
    page.goto("/sign-in?next=/healthz")
    page.fill("#token", secret)
    page.click("button.primary")
    page.add_init_script(
        "for (const one of ['dispatch', 'plan', 'browse']) "
        "localStorage.setItem('gridward-tour-' + one, '1')"
    )
    return page


def dispatch(page: Page, event: str) -> None:
    page.goto(f"/dispatch#case={event}")
    expect(page.locator("#case h2")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.locator("#case .gw-candidates li").first).to_be_visible()
    idle(page)


def plan(page: Page) -> None:
    page.goto("/plan")
    page.get_by_label("就业服务站").check(timeout=PATIENCE_MS)
    expect(page.locator("#busy")).to_be_empty(timeout=PATIENCE_MS)
    expect(page.locator("#areas tbody tr").first).to_be_visible(timeout=PATIENCE_MS)
    idle(page)


def browse(page: Page) -> None:
    page.goto("/browse#at=14.3/32.3019/118.3172&pin=118.3172,32.3019")
    expect(page.locator("#here h2")).to_contain_text("网格", timeout=PATIENCE_MS)
    idle(page)


def keep(page: Page, name: str) -> None:
    """Write what the page shows as a small picture."""
    page.wait_for_timeout(500)
    shown = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    # a rare colour, such as a legend's dot, keeps its hue
    few = shown.quantize(
        COLOURS, method=Image.Quantize.MAXCOVERAGE, kmeans=2, dither=Image.Dither.NONE
    )
    file = PICTURES / f"{name}.png"
    few.save(file, optimize=True)
    assert file.stat().st_size < LARGEST, f"{file.name} has {file.stat().st_size:,} bytes"
    print(f"{file.name}: {file.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
