"""What one running application holds: reached from a request, never from a module."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fastapi import Request

from api.metrics import Metrics
from api.ogc.service import LayerService
from api.security import Doorkeeper
from gis.services.feed import Feed
from gis.services.gazetteer import Gazetteer
from gis.services.lookup import Boundaries
from gis.services.pin_match import PinMatchers
from gis.services.roster import Rosters
from gis.settings import Settings
from gis.store.unit_of_work import Database

Check = Callable[[], Mapping[str, Any]]
"""A part's readiness: returns facts when ready, raises a ``GovernanceError`` when not."""


@dataclass(slots=True)
class Runtime:
    """The parts of one application, made by ``create_app`` and kept at ``app.state.runtime``.

    ``checks`` is what ``/readyz`` asks, by name; whoever adds a part adds its check there.
    """

    settings: Settings
    database: Database
    doorkeeper: Doorkeeper
    metrics: Metrics
    boundaries: Boundaries
    gazetteer: Gazetteer
    feed: Feed
    rosters: Rosters
    pins: PinMatchers
    layers: LayerService
    checks: dict[str, Check] = field(default_factory=dict)
    openapi: dict[str, Any] | None = None


async def runtime(request: Request) -> Runtime:
    """Return the runtime of the application that got the request (a FastAPI dependency).

    ``async`` on purpose: a plain function would cost a thread hop for one attribute.
    """
    found: Runtime = request.app.state.runtime
    return found
