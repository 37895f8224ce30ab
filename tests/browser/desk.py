"""What the tests of the console have in common."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page

AXE = Path(__file__).parents[2] / "maps" / "node_modules" / "axe-core" / "axe.min.js"
HOSTILE = "<img src=x onerror=\"document.title='broken'\">{{ 7*7 }}</script><b>"
LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
Sign = Callable[..., Page]


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


def middle(page: Page, canvas: str = "#map") -> tuple[float, float]:
    """The pixel in the middle of a map."""
    box = page.locator(f"{canvas} canvas").first.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
