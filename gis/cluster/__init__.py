"""The private PostgreSQL cluster 私有数据库: installed programs, own data, a unix socket, no port.

``with Cluster(home).lease():`` is all that a process needs: the first lease creates and starts the
cluster, the last one to end stops it. ``database(settings)`` does that, or passes on the operator's
own database.

``binaries`` finds PostgreSQL, ``layout`` says where things live, ``configuration`` what the server
runs with, ``creation`` makes it, ``postmaster`` starts and stops it, ``lease`` counts its users.
"""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NamedTuple

from gis.cluster.lease import Cluster, ClusterStatus
from gis.errors import ClusterProblem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gis.settings import Settings

CHECK_EVERY_S: Final = 2.0
"""How often a process looks whether the private PostgreSQL still runs."""

_log = logging.getLogger(__name__)

__all__ = ["Cluster", "ClusterStatus", "DatabaseUrls", "database"]


class DatabaseUrls(NamedTuple):
    """Where the application and the migrations log in; may hold passwords: never log them."""

    app_url: str
    owner_url: str


@contextmanager
def database(settings: Settings) -> Iterator[DatabaseUrls]:
    """Yield the logins of the city's database, which runs for the length of the block.

    With ``GRIDWARD_DATABASE_URL`` that is the operator's database, untouched and not even tried;
    without it the private cluster of ``GRIDWARD_HOME``.

    Raises
    ------
    gis.errors.ClusterProblem
        The private cluster cannot start.
    """
    if settings.database_url is not None:
        owner_url = settings.database_owner_url or settings.database_url
        yield DatabaseUrls(settings.database_url, owner_url)
        return
    with Cluster(settings.home).lease() as cluster, _kept_running(cluster):
        yield DatabaseUrls(cluster.url("app"), cluster.url("owner"))


@contextmanager
def _kept_running(cluster: Cluster) -> Iterator[None]:
    """Start PostgreSQL again when it dies (out of memory, kill -9) while the block runs."""
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(CHECK_EVERY_S):
            try:
                with cluster.lease():  # starts it where it is down; ours keeps it from stopping
                    pass
            except Exception as problem:  # noqa: BLE001 - no file left, say: try again
                _log.warning(
                    "the private database cannot be restarted: %s",
                    problem,
                    exc_info=not isinstance(problem, ClusterProblem),
                )

    watcher = threading.Thread(target=watch, name="gridward-cluster-watch", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()
