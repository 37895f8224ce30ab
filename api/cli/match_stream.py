"""Match a file of any length: piece by piece, on every core, in order and in constant memory."""

from __future__ import annotations

import os
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import pandas as pd
import structlog
from rich.progress import Progress

from api.cli import matching
from api.cli.parent import end_with_parent
from api.logs import configure_logs
from gis import settings
from gis.governance.actors import SYSTEM
from gis.services.gazetteer import inform
from gis.services.index_cache import IndexCache
from gis.services.lookup import Boundaries
from gis.store.unit_of_work import Database
from layers.files.streams import Sink, Source

PIECE: Final = 2_000
"""Rows that are read, matched and written at once."""

ALONE: Final = 20_000
"""A file with fewer rows is matched by one process: others would take longer to start."""


@dataclass(frozen=True, slots=True)
class Job:
    """How the rows of a file are matched; goes to every process."""

    url: str
    home: Path
    columns: dict[str, str | None]
    crs: str
    accuracy_m: float | None
    threshold: float
    precision: float


@contextmanager
def _matcher(job: Job) -> Iterator[matching.Matcher]:
    database = Database(job.url, pool_size=2, statement_timeout_s=0)
    boundaries = Boundaries(database, IndexCache(job.home / "cache" / "boundaries"))
    try:
        inform(database, boundaries, job.precision)
        with database.reading(SYSTEM) as work:
            yield matching.Matcher(
                work, boundaries, job.columns, job.crs, job.accuracy_m, job.threshold
            )
    finally:
        database.close()


def matched(piece: pd.DataFrame, matcher: matching.Matcher) -> pd.DataFrame:
    """Return the rows with the added columns behind their own, older ones of that name gone."""
    kept = piece.drop(columns=[name for name in matching.ADDED if name in piece.columns])
    bare = pd.DataFrame(piece.drop(columns="geometry", errors="ignore"))
    if "geometry" in piece.columns and matcher.takes_geometry:
        points = piece["geometry"]
        bare = bare.assign(**{matching.GEOMETRY_LON: points.x, matching.GEOMETRY_LAT: points.y})
    found = [
        matcher.row({str(key): cell for key, cell in cells.items()})
        for cells in bare.to_dict("records")
    ]
    for name in matching.ADDED:
        kind: Any = _KINDS.get(name, "str")
        kept[name] = pd.Series([one.get(name) for one in found], index=kept.index, dtype=kind)
    return kept


_KINDS: Final = {
    "confidence": "float64",
    "edge_distance_m": "float64",
    "matched_lon": "float64",
    "matched_lat": "float64",
    "boundary_revision": "Int64",
}


def run(source: Source, sink: Sink, job: Job, bar: Progress) -> Counter[str]:
    """Match a whole file; return how many rows came to which decision."""
    counts: Counter[str] = Counter()
    task = bar.add_task("match", total=source.rows)
    pieces = source.pieces(PIECE)
    ahead = list(islice(pieces, ALONE // PIECE + 1))  # a CSV does not say how long it is
    several = sum(map(len, ahead)) > ALONE
    answers = _by_many if several and (os.cpu_count() or 1) > 1 else _by_one
    for piece in answers(chain(ahead, pieces), job):
        sink.write(piece)
        counts.update(piece["decision"].tolist())
        bar.update(task, advance=len(piece))
    if not counts:
        sink.write(_nothing(source))
    bar.update(task, total=counts.total(), completed=counts.total())
    return counts


def _nothing(source: Source) -> pd.DataFrame:
    names = [name for name in source.columns if name not in matching.ADDED]
    return pd.DataFrame(columns=[*names, *matching.ADDED])


def _by_one(pieces: Iterable[pd.DataFrame], job: Job) -> Iterator[pd.DataFrame]:
    with _matcher(job) as matcher:
        for piece in pieces:
            yield matched(piece, matcher)


def _by_many(pieces: Iterable[pd.DataFrame], job: Job) -> Iterator[pd.DataFrame]:
    workers = os.cpu_count() or 1
    waiting: deque[Future[pd.DataFrame]] = deque()
    with ProcessPoolExecutor(
        workers, mp_context=get_context("spawn"), initializer=_begin, initargs=(job,)
    ) as pool:
        for piece in pieces:
            if len(waiting) > 2 * workers:  # no more than that lies in memory
                yield waiting.popleft().result()
            waiting.append(pool.submit(_piece, piece))
        while waiting:
            yield waiting.popleft().result()


_held: dict[str, Any] = {}


def _begin(job: Job) -> None:
    """Open what a process of the pool needs; it lives as long as the process."""
    end_with_parent(partial(os._exit, 1))
    if not structlog.is_configured():  # unconfigured, it writes to where results go
        configure_logs(settings.load().model_copy(update={"log_level": "warning"}))
    stack = ExitStack()
    _held["matcher"] = stack.enter_context(_matcher(job))
    _held["stack"] = stack


def _piece(piece: pd.DataFrame) -> pd.DataFrame:
    return matched(piece, _held["matcher"])


def job_of(
    database: Database, columns: dict[str, str | None], crs: str, accuracy_m: float | None
) -> Job:
    """Return the job with what the settings say."""
    chosen = settings.load()
    return Job(
        database.url, chosen.home, columns, crs, accuracy_m,
        chosen.auto_threshold, chosen.auto_precision,
    )  # fmt: skip
