"""Load the demo city: build it, then write all of it in one transaction by COPY."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final, Literal

from rich.progress import Progress, TaskID

from gis import clock
from gis.governance.actors import SYSTEM
from gis.services.gazetteer import Gazetteer
from gis.services.history import learn_from_history
from gis.services.lookup import Snapshots
from gis.store import bulk, categories, events
from gis.store.unit_of_work import Database, UnitOfWork
from layers.demo import rows
from layers.demo.batches import Ids
from layers.demo.city import DEFAULT_SEED, STAGES, City, build
from layers.demo.register import source_text

__all__ = ["DEFAULT_SEED", "Summary", "load"]

EFFECTIVE_FROM: Final = datetime(2025, 1, 1, tzinfo=timezone(timedelta(hours=8)))
TITLE: Final = "示范边界（合成数据）：滁州市"
NOTICE: Final = {
    "made": True,
    "notice_zh": (
        "区县轮廓与名称、编码真实；区县以下的边界、人口、道路、地址、人员与事件均为合成数据。"
    ),
    "notice_en": (
        "County outlines, names and codes are real; boundaries below the county, people, roads, "
        "addresses, staff and events are made."
    ),
}
_WRITING: Final = ("写入数据库", "writing", 60.0)
_LEARNING: Final = ("从历史学习", "learning from history", 15.0)


@dataclass(frozen=True, slots=True)
class Summary:
    """What was loaded, and how long building and writing took."""

    seed: int
    scale: float
    reference: datetime
    counts: dict[str, int]
    build_seconds: float
    write_seconds: float

    def to_json(self) -> dict[str, Any]:
        """Return the summary as JSON carries it."""
        return {**asdict(self), "reference": self.reference.isoformat()}

    def text(self, language: Literal["zh", "en"]) -> str:
        """Return the summary in one line."""
        c, seconds = self.counts, self.build_seconds + self.write_seconds
        if language == "zh":
            return (
                f"{c['grids']:,} 个网格、{c['buildings']:,} 栋楼、{c['residents']:,} 人、"
                f"{c['gazetteer_entries']:,} 条地址、{c['events']:,} 个事件，用时 {seconds:.0f} 秒"
            )
        return (
            f"{c['grids']:,} grids, {c['buildings']:,} buildings, {c['residents']:,} residents, "
            f"{c['gazetteer_entries']:,} addresses, {c['events']:,} events in {seconds:.0f} s"
        )


def load(
    database: Database,
    *,
    scale: float = 1.0,
    seed: int = DEFAULT_SEED,
    reference: datetime | None = None,
    progress: Progress | None = None,
) -> Summary:
    """Build the demo city and write it, published as boundary revision 1.

    Parameters
    ----------
    database
        A migrated database without areas.
    scale, seed
        See :func:`layers.demo.city.build`.
    reference
        The instant at which the year of events ends; the last midnight (UTC) without one.
    progress
        A running rich progress display; one bar goes through named stages.

    Raises
    ------
    gis.errors.CityAlreadyThere
        The database has boundaries; nothing was written.
    """
    if reference is None:
        reference = clock.now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    with database.reading(SYSTEM) as work:  # refuse before minutes of building
        bulk.refuse_if_city(work)
    bar = _Bar(progress)
    began = time.perf_counter()
    city = build(seed, scale, reference=reference, stage=bar.stage)
    built = time.perf_counter()
    bar.stage("writing")
    with database.transaction(SYSTEM) as work:
        bulk.take_time(work)
        bulk.claim_empty_city(work)
        counts = write(work, city, bar.part)
    bar.stage("learning")
    with database.transaction(SYSTEM) as work:
        learn(database, work)
    bar.finish()
    return Summary(
        seed, scale, reference, counts,
        round(built - began, 2), round(time.perf_counter() - built, 2),
    )  # fmt: skip


def learn(database: Database, work: UnitOfWork) -> None:
    """Let matching learn from the year of events, as a city does that has a history."""
    snapshots = Snapshots()
    snapshot = snapshots.snapshot(work)
    learn_from_history(work, snapshot, Gazetteer(database, snapshots).exact(work, snapshot))


def write(work: UnitOfWork, city: City, part: Callable[[float], None]) -> dict[str, int]:
    """Write every row of the city in the open transaction and return the counts.

    ``part`` is told the share of the rows written so far.
    """
    counts = {"categories": categories.replace_all(work, city.categories)}
    draft = bulk.publish_first_revision(
        work,
        title=TITLE,
        source={**NOTICE, "seed": city.seed, "scale": city.scale, "licences": _licences()},
        report={"gaps": 0, "overlaps": 0, "invalid": 0},
        effective_from=EFFECTIVE_FROM,
    )
    if city.events:
        first, last = city.events[0].received_at, city.reference + timedelta(days=92)
        events.ensure_months(work, first, last)
    ids = Ids(
        draft=draft,
        buildings=bulk.reserve_ids(work, "buildings", len(city.buildings.grid)),
        persons=bulk.reserve_ids(work, "persons", len(city.teams.persons)),
        events=bulk.reserve_numbers(work, "event_number", len(city.events)),
        orders=bulk.reserve_numbers(
            work, "work_order_number", sum(event.dispatched_at is not None for event in city.events)
        ),
        matters=bulk.reserve_numbers(work, "deliberation_number", len(city.matters)),
    )
    batches = list(rows.all_batches(city, ids, EFFECTIVE_FROM))
    total = sum(batch.expected for batch in batches)
    done = 0
    for batch in batches:
        written = bulk.copy_rows(
            work, batch.table, batch.columns, _counted(batch.rows, done, total, part)
        )
        counts[batch.table] = counts.get(batch.table, 0) + written
        done += batch.expected
    bulk.analyze(work)
    counts["grids"] = sum(row.level == "grid" for row in city.areas.rows)
    counts["residents"] = int(city.buildings.people.residents.sum())
    return counts


def _licences() -> list[str]:
    return [line[2:] for line in source_text("NOTICE.md").splitlines() if line.startswith("* ")]


def _counted(
    values: Iterable[Sequence[Any]], done: int, total: int, part: Callable[[float], None]
) -> Iterator[Sequence[Any]]:
    for number, value in enumerate(values):
        if number % 5_000 == 0:
            part((done + number) / max(total, 1))
        yield value


class _Bar:
    """One progress bar over all stages; silent without a display."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress
        self._stages = {**STAGES, "writing": _WRITING, "learning": _LEARNING}
        self._done = 0.0
        self._current: str | None = None
        self._task: TaskID | None = None
        if progress is not None:
            total = sum(share for _, _, share in self._stages.values())
            self._task = progress.add_task("示范城市", total=total)

    def stage(self, name: str) -> None:
        if self._current is not None:
            self._done += self._stages[self._current][2]
        self._current = name
        if self._progress is not None and self._task is not None:
            title, english, _ = self._stages[name]
            self._progress.update(
                self._task, completed=self._done, description=f"示范城市：{title} / {english}"
            )

    def part(self, share: float) -> None:
        if self._progress is not None and self._task is not None and self._current is not None:
            amount = self._done + share * self._stages[self._current][2]
            self._progress.update(self._task, completed=amount)

    def finish(self) -> None:
        if self._progress is not None and self._task is not None:
            total = sum(share for _, _, share in self._stages.values())
            self._progress.update(self._task, completed=total, description="示范城市")
