"""How soon pages show something useful, what they weigh, whether a panned map keeps drawing.

Chromium without a graphics card draws on the processor that also serves: figures are pessimistic.
Seconds on a machine that others use, too, say little; the processor's seconds of browser, server
and database together until the view is useful hardly change, and bound what a quiet one needs.
A trace of each pan is kept under ``.gridward/traces/`` (open it in chrome://tracing or Perfetto).
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
from playwright.sync_api import Browser, Page, Request
from rich.console import Console
from rich.table import Table

from gis.cluster import Cluster
from gis.store.unit_of_work import Database
from layers.bands import build_all
from tests.bench import large_city
from tests.browser.chromium import chromium
from tests.processes import demo_home, gridward, serving_process

QUEUE: Final = 100
"""Doubtful cases in the queue of the generated city; the demo city has its own."""
TRACES: Final = Path(".gridward") / "traces"
ROUNDS: Final = 5
PAN_STEPS: Final = 40

HOOK: Final = """(() => {
  const seen = window.seen = {};
  let kept;
  Object.defineProperty(window, "gridward", {get: () => kept, set(value) {
    kept = value;
    kept.city.view.once("idle", () => { seen.map = performance.now(); });
  }});
  new MutationObserver(() => {
    if (!seen.list && document.querySelector("#list button")) { seen.list = performance.now(); }
  }).observe(document, {childList: true, subtree: true});
})();"""
"""Notes when the map has drawn all that it asked for, and when the queue has its first row."""

FRAMES: Final = """() => {
  const frames = window.frames_ = [];
  const note = (now) => { frames.push(now); window.ticking = requestAnimationFrame(note); };
  window.ticking = requestAnimationFrame(note);
  window.renders = [];
  window.gridward.city.view.on("render", () => window.renders.push(performance.now()));
}"""


@dataclass(frozen=True, slots=True)
class Opened:
    """One opening of a page: milliseconds to its first useful view, and bytes by kind."""

    useful_ms: float
    processor_s: float
    weight: dict[str, int]


def main() -> None:
    home = Path(tempfile.mkdtemp(prefix="gridward-bench-"))
    home.chmod(0o755)
    views, pans = [], []
    try:
        for number, city in enumerate((demo_home, large_home)):
            place = home / str(number)
            with city(place), serving_process(place) as server, chromium() as browser:
                if city is large_home:
                    fill_queue(server.base, place)
                views += list(_views(browser, server.base, place))
                pans.append(_panned(browser, server.base))
                if city is demo_home:
                    saved = _saved(browser, place)
        _print(views, pans, saved)
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def large_home(home: Path) -> Iterator[None]:
    """A home with the generated city of 50,000 grids, its layers built."""
    home.mkdir(mode=0o755)
    with Cluster(home).lease() as cluster:
        gridward(home, "db", "migrate")
        large_city.load(cluster.url("owner").replace("+psycopg", ""))
        database = Database(cluster.url("owner"), role=None)
        build_all(database)
        database.close()
        yield
    Cluster(home).reset()


def fill_queue(base: str, home: Path) -> None:
    """Report what is doubtful: good to 3 km asserts no grid."""
    headers = {"Authorization": f"Bearer {_token(home)}"}
    for number in range(QUEUE):
        told = httpx.post(
            f"{base}/v1/events",
            headers=headers,
            json={
                "source": "snap",
                "source_ref": f"bench-{number}",
                "title": f"案件 {number}",
                "location": {
                    "lon": 118.0 + number * 0.015, "lat": 32.1 + number * 0.01, "accuracy_m": 3000
                },
            },
            timeout=60,
        )  # fmt: skip
        assert told.json()["status"] == "review", told.text


def _token(home: Path) -> str:
    return str(json.loads(gridward(home, "token", "--role", "dispatcher", "--json"))["token"])


# --- the first useful view ------------------------------------------------------------------------


def _grids(base: str) -> int:
    found = httpx.get(f"{base}/ogc/collections/grids/items?f=json&limit=1", timeout=60)
    return int(found.json()["numberMatched"])


def _views(browser: Browser, base: str, home: Path) -> Iterator[list[str]]:
    grids = _grids(base)
    for path, token in (("/browse", None), ("/dispatch", _token(home))):
        first, *later = [_opened(browser, base, path, token, home) for _ in range(ROUNDS + 1)]
        weight = {kind: f"{size / 1000:,.0f}" for kind, size in first.weight.items()}
        yield [
            path,
            f"{grids:,}",
            f"{first.useful_ms / 1000:.2f}",
            f"{statistics.median(one.useful_ms for one in later) / 1000:.2f}",
            f"{max(one.useful_ms for one in later) / 1000:.2f}",
            f"{statistics.median(one.processor_s for one in later):.2f}",
            weight["page"], weight["tiles"], weight["data"],
            f"{sum(first.weight.values()) / 1000:,.0f}",
        ]  # fmt: skip


def _opened(browser: Browser, base: str, path: str, token: str | None, home: Path) -> Opened:
    """Open a page with nothing kept in the browser."""
    page = _page(browser, base, token)
    # those of workers, too, which fetch the tiles
    finished: list[Request] = []
    page.context.on("requestfinished", lambda one: finished.append(one))  # noqa: PLW0108 - it marks it
    before = _processor_s(home)
    page.goto(path)
    wanted = ["map", "list"] if path == "/dispatch" else ["map"]
    deadline = time.monotonic() + 60
    while not all(one in (seen := page.evaluate("window.seen")) for one in wanted):
        assert time.monotonic() < deadline, f"{path} does not show {wanted}: {seen}"
        page.wait_for_timeout(20)
    used = _processor_s(home) - before
    weight = _weight(list(finished))
    page.context.close()
    return Opened(max(seen[one] for one in wanted), used, weight)


def _processor_s(home: Path) -> float:
    """Return what this process, its browser and servers, and the database have used so far."""
    parent: dict[int, int] = {}
    used: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has just ended
        number = int(stat.parent.name)
        parent[number] = int(fields[1])
        used[number] = sum(int(ticks) for ticks in fields[11:15])
    postmaster = (home / "postgres" / "data" / "postmaster.pid").read_text().split()[0]
    ours = {os.getpid(), int(postmaster)}
    for number in sorted(parent):
        line = [number]
        while line[-1] in parent and line[-1] not in ours:
            line.append(parent[line[-1]])
        if line[-1] in ours:
            ours.update(line)
    return sum(used[number] for number in ours if number in used) / os.sysconf("SC_CLK_TCK")


def _page(browser: Browser, base: str, token: str | None) -> Page:
    context = browser.new_context(
        base_url=base, locale="zh-CN", viewport={"width": 1400, "height": 850}
    )
    page = context.new_page()
    if token is not None:
        page.goto("/sign-in?next=/healthz")
        page.fill("#token", token)
        page.click("button.primary")
    page.add_init_script(
        "for (const one of ['browse', 'dispatch']) localStorage.setItem('gridward-tour-' + one, 1)"
    )
    page.add_init_script(HOOK)
    return page


def _weight(requests: list[Request]) -> dict[str, int]:
    """Bytes over the wire: the page with scripts and styles, tiles, data."""
    weight = {"page": 0, "tiles": 0, "data": 0}
    for one in requests:
        kind = "tiles" if "/tiles/" in one.url else "data" if "/v1/" in one.url else "page"
        sizes = one.sizes()
        weight[kind] += sizes["responseBodySize"] + sizes["responseHeadersSize"]
    return weight


# --- panning --------------------------------------------------------------------------------------


def _panned(browser: Browser, base: str) -> list[str]:
    """Drag the map over the middle of the city, where the grids show, and count what is drawn."""
    grids = _grids(base)
    page = _page(browser, base, None)
    page.goto("/browse#at=12.5/32.3019/118.3172")
    while "map" not in page.evaluate("window.seen"):
        page.wait_for_timeout(20)
    TRACES.mkdir(parents=True, exist_ok=True)
    trace = TRACES / f"browse-pan-{grids}.json"
    page.evaluate(FRAMES)
    browser.start_tracing(page=page, path=trace)
    page.mouse.move(1200, 450)
    page.mouse.down()
    for step in range(PAN_STEPS):
        page.mouse.move(1200 - 18 * step, 450 + 4 * step)
        page.wait_for_timeout(25)
    page.mouse.up()
    frames, renders = page.evaluate(
        "() => { cancelAnimationFrame(window.ticking); return [window.frames_, window.renders]; }"
    )
    browser.stop_tracing()
    page.context.close()
    gaps = [after - before for before, after in itertools.pairwise(renders)]
    seconds = (frames[-1] - frames[0]) / 1000
    return [
        f"{grids:,}",
        f"{len(renders) / seconds:.0f}",
        f"{statistics.median(gaps):.0f}",
        f"{max(gaps):.0f}",
        str(trace),
        f"{trace.stat().st_size / 1e6:.1f} MB",
    ]


# --- a saved map of every grid --------------------------------------------------------------------


def _saved(browser: Browser, home: Path) -> list[list[str]]:
    """Save maps twice, and open each with the network cut."""
    rows = []
    for key in ("grid-atlas", "station-coverage"):
        files = [home / f"{key}-{number}.html" for number in (1, 2)]
        began = time.perf_counter()
        gridward(home, "map", key, str(files[0]))
        made = time.perf_counter() - began
        gridward(home, "map", key, str(files[1]))
        same = files[0].read_bytes() == files[1].read_bytes()
        before = _processor_s(home)
        drawn = [_drawn_ms(browser, files[0]) for _ in range(ROUNDS)]
        used = (_processor_s(home) - before) / ROUNDS
        rows.append(
            [
                key,
                f"{files[0].stat().st_size / 1e6:.2f}",
                "yes" if same else "NO",
                f"{made:.1f}",
                f"{statistics.median(drawn) / 1000:.2f}",
                f"{max(drawn) / 1000:.2f}",
                f"{used:.2f}",
            ]
        )
    return rows


def _drawn_ms(browser: Browser, file: Path) -> float:
    """Milliseconds from opening a file, without any network, until its map is painted."""
    context = browser.new_context(offline=True, viewport={"width": 1400, "height": 850})
    page = context.new_page()
    page.goto(file.resolve().as_uri())
    drawn = page.evaluate(
        "() => new Promise((done) => requestAnimationFrame(() => "
        "requestAnimationFrame(() => done(performance.now()))))"
    )
    context.close()
    return float(drawn)


def _print(views: list[list[str]], pans: list[list[str]], saved: list[list[str]]) -> None:
    load = f"load {os.getloadavg()[0]:.1f}"
    tables = (
        (
            f"first useful view, nothing kept in the browser; {ROUNDS} openings; {load}",
            ("page", "grids", "first s", "median s", "worst s", "processor s", "page kB",
             "tiles kB", "data kB", "all kB"),
            views,
        ),
        (
            f"/browse dragged over the city's middle at zoom 12.5; {load}",
            ("grids", "drawn a second", "median gap ms", "longest gap ms", "trace", "size"),
            pans,
        ),
        (
            f"saved maps of the whole city opened without a network; {load}",
            ("map", "MB", "equal twice", "made s", "drawn median s", "worst s", "processor s"),
            saved,
        ),
    )  # fmt: skip
    for title, columns, rows in tables:
        table = Table(title=title)
        for column in columns:
            table.add_column(column)
        for row in rows:
            table.add_row(*row)
        Console(width=150).print(table)
