"""What layers are at, held in memory and looked after once a second: so that 304 asks nobody."""

from __future__ import annotations

import threading
import time
from typing import Final, Self

import structlog
from sqlalchemy.exc import DBAPIError

from gis.errors import DatabaseUnavailable
from gis.governance.actors import SYSTEM
from gis.store import layer_state as store
from gis.store.layer_state import State
from gis.store.unit_of_work import Database
from layers.catalogue import Layer

POLL_S: Final = 1.0
_FORESEEN: Final = (DBAPIError, DatabaseUnavailable)

_log = structlog.get_logger(__name__)


class LayerState:
    """The state of all layers in one process; :meth:`now` is at most :data:`POLL_S` old.

    Without a running watch (:meth:`start`) it is read when somebody asks.
    """

    def __init__(self, database: Database, *, poll_s: float = POLL_S) -> None:
        self._database = database
        self._poll_s = poll_s
        self._state: State | None = None
        self._newest = -1
        self._read_at = 0.0
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def known(self) -> State | None:
        """Return the state when it is fresh, None when it must be read; never blocks."""
        if self._state is not None and time.monotonic() - self._read_at < 2 * self._poll_s:
            return self._state
        return None

    def now(self) -> State:
        """Return the state, read from the database when it is too old (blocking)."""
        return self.known() or self.refresh()

    def refresh(self) -> State:
        """Read the state (blocking); while nothing changes it stays the same object."""
        with self._lock:
            with self._database.reading(SYSTEM) as work:
                found, self._newest = store.state(work, self._state, self._newest)
            if found != self._state:
                self._state = found
            self._read_at = time.monotonic()
            return self._state

    def start(self) -> Self:
        """Begin to watch in the background."""
        self._thread = threading.Thread(target=self._run, name="layer-state", daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """End the watch."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(self._poll_s):
            try:
                self.refresh()
            except Exception as error:  # noqa: BLE001 - no file left, a bug: nobody would go on
                _log.warning(
                    "layer_state_lost",
                    reason=str(error),
                    exc_info=not isinstance(error, _FORESEEN),
                )


def has_bands(layer: Layer, state: State) -> bool:
    """Tell whether the zoom bands of a boundary layer are those of the revision in force."""
    editions = state.editions.get(layer.key, ())
    return bool(editions) and editions[0].revision == state.revision


def version(layer: Layer, state: State) -> str | None:
    """Return what a layer's features depend on; None for live layers."""
    if layer.fresh == "revision":
        return state.published
    if layer.fresh == "stamped":
        return "-".join(state.stamps.get(table, "none")[:16] for table in layer.stamps)
    return None


def tile_version(
    layer: Layer, state: State, bounds: tuple[float, float, float, float]
) -> str | None:
    """Return what one tile depends on: the newest edition that redraws any of it.

    ``bounds`` are its sides in EPSG:3857 with the buffer. None: a live layer.
    """
    if layer.fresh != "revision" or not has_bands(layer, state):
        return version(layer, state)
    west, south, east, north = bounds
    editions = state.editions[layer.key]
    for edition in editions[:-1]:
        if any(
            west <= box[2] and box[0] <= east and south <= box[3] and box[1] <= north
            for box in edition.changed
        ):
            return edition.token[:16]
    return editions[-1].token[:16]
