"""What was learned, read and written: corrections, profiles of sources, bad pins, reliability."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from gis.matching.calibration import PLACE
from gis.store.tables import (
    bad_pins,
    category_precisions,
    confidence_bins,
    corrections,
    event_truths,
    events,
    learned_exceptions,
    learning_state,
    place_spreads,
    source_errors,
    source_profiles,
    source_readings,
)
from gis.store.unit_of_work import UnitOfWork

LIVE: Final = corrections.c.undone_at.is_(None)

# One coordinate that came with many different addresses; a fixed camera has one.
_REPEATED: Final = sa.text(
    "select round(cast(raw_location->>'lon' as numeric), 5)::float8 as lon, "
    "round(cast(raw_location->>'lat' as numeric), 5)::float8 as lat, "
    "count(*) as times, count(distinct address) as addresses, "
    "min(raw_location->>'crs') as crs "
    "from events where raw_location is not null and address is not null "
    "and raw_location->>'from' is null "
    "and jsonb_typeof(raw_location->'lon') = 'number' "
    "group by 1, 2 having count(distinct address) >= :least order by 1, 2"
).bindparams(sa.bindparam("least", type_=sa.Integer))

_PIN: Final = events.c.raw_location.is_not(None) & events.c.raw_location["from"].is_(None)
"""A pin that somebody sent; where a photo was taken is no witness of how a source's pins are."""

_ALIASES: Final = sa.text(
    "select alias_key, confirmed_grid, count(*) as times, max(id) as newest from corrections "
    "where undone_at is null and alias_key is not null group by 1, 2 order by 1, 3 desc, 4 desc"
)


def stamp(work: UnitOfWork) -> int:
    """Return the number that changes with everything learned."""
    return int(work.scalar(sa.select(learning_state.c.stamp)) or 0)


def touch(work: UnitOfWork) -> None:
    """Change the stamp: processes read again what was learned."""
    statement = insert(learning_state).values(id=1, stamp=1)
    work.execute(
        statement.on_conflict_do_update(
            index_elements=["id"], set_={"stamp": learning_state.c.stamp + 1}
        )
    )


def profiles(work: UnitOfWork) -> list[sa.RowMapping]:
    """Return the profile of every source, by source."""
    return work.rows(sa.select(source_profiles).order_by(source_profiles.c.source))


def readings(work: UnitOfWork) -> list[sa.RowMapping]:
    """Return the counted readings, by source, declaration and reading."""
    c = source_readings.c
    return work.rows(sa.select(source_readings).order_by(c.source, c.declared, c.reading))


def errors(work: UnitOfWork) -> list[sa.RowMapping]:
    """Return the error shares, by source and factor."""
    c = source_errors.c
    return work.rows(sa.select(source_errors).order_by(c.source, c.factor))


def spreads(work: UnitOfWork) -> list[sa.RowMapping]:
    """Return the spread of places, by kind and factor."""
    c = place_spreads.c
    return work.rows(sa.select(place_spreads).order_by(c.level, c.factor))


def bins(work: UnitOfWork) -> list[sa.RowMapping]:
    """Return said and kept confidence, by kind and bin."""
    c = confidence_bins.c
    return work.rows(sa.select(confidence_bins).order_by(c.kind, c.low))


def failed_coordinates(work: UnitOfWork, *, live_only: bool = True) -> list[sa.RowMapping]:
    """Return coordinates that stand for a failure, the most frequent first."""
    statement = sa.select(bad_pins).order_by(bad_pins.c.times.desc(), bad_pins.c.id)
    return work.rows(statement.where(bad_pins.c.dismissed_at.is_(None)) if live_only else statement)


def precisions(work: UnitOfWork) -> list[sa.RowMapping]:
    """Return the categories that want a precision of their own."""
    return work.rows(sa.select(category_precisions).order_by(category_precisions.c.category))


def want_precision(work: UnitOfWork, category: str, precision: float | None) -> None:
    """Set the wanted precision of a category; None: that of the city."""
    work.execute(sa.delete(category_precisions).where(category_precisions.c.category == category))
    if precision is not None:
        work.execute(sa.insert(category_precisions).values(category=category, precision=precision))


def aliases(work: UnitOfWork) -> list[sa.RowMapping]:
    """Return alias_key, confirmed_grid, times: of one alias the most confirmed grid first."""
    return work.rows(_ALIASES)


def replace_profiles(
    work: UnitOfWork,
    heads: Sequence[Mapping[str, Any]],
    read: Sequence[Mapping[str, Any]],
    shares: Sequence[Mapping[str, Any]],
    spread: Sequence[Mapping[str, Any]],
) -> None:
    """Put newly learned profiles in the place of the old ones."""
    for table in (source_readings, source_errors, source_profiles, place_spreads):
        work.execute(sa.delete(table))
    for table, rows in (
        (source_profiles, heads), (source_readings, read), (source_errors, shares),
        (place_spreads, spread),
    ):  # fmt: skip
        if rows:
            work.connection.execute(sa.insert(table), [dict(row) for row in rows])


def replace_bins(work: UnitOfWork, rows: Sequence[Mapping[str, Any]], *, places: bool) -> None:
    """Put newly counted reliability in the place of the old one: of places, or of answers."""
    of_places = confidence_bins.c.kind.startswith(PLACE)
    work.execute(sa.delete(confidence_bins).where(of_places if places else ~of_places))
    if rows:
        work.connection.execute(sa.insert(confidence_bins), [dict(row) for row in rows])


def repeated_coordinates(work: UnitOfWork, least: int) -> list[sa.RowMapping]:
    """Return coordinates (as sent, to 5 decimals) that came with so many different addresses."""
    return work.rows(_REPEATED, least=least)


def note_bad_pins(work: UnitOfWork, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write or update coordinates that stand for a failure; a dismissed one stays dismissed."""
    for row in rows:
        statement = insert(bad_pins).values(**row)
        work.execute(
            statement.on_conflict_do_update(
                index_elements=["lon", "lat"],
                set_={key: row[key] for key in ("kind", "times", "addresses")},
            )
        )


def dismiss_bad_pin(work: UnitOfWork, pin_id: int) -> bool:
    """Say that a coordinate is a real place after all; False when there is none of that number."""
    return bool(
        work.execute(
            sa.update(bad_pins)
            .where(bad_pins.c.id == pin_id, bad_pins.c.dismissed_at.is_(None))
            .values(dismissed_at=sa.func.now(), dismissed_by=work.actor.id)
        )
    )


def both_told(work: UnitOfWork, most: int) -> list[sa.RowMapping]:
    """Return the newest events with a pin and an address: source, pin, address, when reported."""
    c = events.c
    return work.rows(
        sa.select(c.id, c.source, c.raw_location, c.address, c.reported_at)
        .where(_PIN, c.address.is_not(None))
        .order_by(c.received_at.desc(), c.id)
        .limit(most)
    )


def pins_alone(work: UnitOfWork, most: int, until: datetime | None = None) -> list[sa.RowMapping]:
    """Return the newest events with a pin and no address: source, pin, when reported."""
    c = events.c
    before = sa.true() if until is None else c.reported_at < until
    return work.rows(
        sa.select(c.source, c.raw_location, c.reported_at)
        .where(_PIN, c.address.is_(None), before)
        .order_by(c.received_at.desc(), c.id)
        .limit(most)
    )


def placed_by_people(
    work: UnitOfWork, most: int, until: datetime | None = None
) -> list[sa.RowMapping]:
    """Return the newest closed cases without a pin that a person had placed: address, grid."""
    c = events.c
    before = sa.true() if until is None else c.reported_at < until
    return work.rows(
        sa.select(c.address, c.category, c.grid_code)
        .where(
            c.raw_location.is_(None), c.address.is_not(None), c.grid_code.is_not(None),
            c.routing == "review", c.status == "closed", before,
        )
        .order_by(c.received_at.desc(), c.id)
        .limit(most)
    )  # fmt: skip


def answered_events(
    work: UnitOfWork,
    *,
    truths: bool,
    most: int | None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[sa.RowMapping]:
    """Return events whose grid is known, newest first.

    ``truths``: by the table of known answers; otherwise closed cases, by the grid they closed in.
    """
    c = events.c
    answer = event_truths.c.grid_code if truths else c.grid_code
    joined = events.join(event_truths, event_truths.c.event_id == c.id) if truths else events
    statement = (
        sa.select(
            c.id, c.number, c.source, c.category, c.address, c.raw_location, c.reported_at,
            answer.label("answer"),
        )
        .select_from(joined)
        .where(answer.is_not(None))
        .order_by(c.received_at.desc(), c.id)
        .limit(most)
    )  # fmt: skip
    if not truths:
        statement = statement.where(c.status == "closed")
    if since is not None:
        statement = statement.where(c.received_at >= since)
    if until is not None:
        statement = statement.where(c.received_at < until)
    return work.rows(statement)


def add_correction(work: UnitOfWork, row: Mapping[str, Any]) -> int:
    """Write what a person confirmed; return its number."""
    place = row["place"]
    values = {key: value for key, value in row.items() if key != "place"}
    if place is not None:
        values["place"] = sa.func.ST_SetSRID(sa.func.ST_MakePoint(*place), 4326)
    statement = sa.insert(corrections).values(**values, confirmed_by=work.actor.id)
    return int(work.scalar(statement.returning(corrections.c.id)))


def listed(
    work: UnitOfWork,
    *,
    live_only: bool = False,
    alias: str | None = None,
    event_id: uuid.UUID | None = None,
    before: int | None = None,
    limit: int | None = None,
) -> list[sa.RowMapping]:
    """Return corrections, newest first."""
    c = corrections.c
    statement = sa.select(
        *(column for column in corrections.columns if column.name != "place"),
        sa.func.ST_X(c.place).label("lon"),
        sa.func.ST_Y(c.place).label("lat"),
    ).order_by(c.id.desc())
    if live_only:
        statement = statement.where(LIVE)
    if alias is not None:
        statement = statement.where(c.alias_key == alias)
    if event_id is not None:
        statement = statement.where(c.event_id == event_id)
    if before is not None:
        statement = statement.where(c.id < before)
    return work.rows(statement.limit(limit))


def undo(work: UnitOfWork, correction_id: int) -> sa.RowMapping | None:
    """Take a correction back; None when there is no live one of that number."""
    return work.row(
        sa.update(corrections)
        .where(corrections.c.id == correction_id, LIVE)
        .values(undone_at=sa.func.now(), undone_by=work.actor.id)
        .returning(
            corrections.c.id, corrections.c.matched_grid, corrections.c.confirmed_grid,
            corrections.c.category,
        )
    )  # fmt: skip


def undo_earlier_of(work: UnitOfWork, event_id: uuid.UUID) -> int:
    """Take back what was confirmed of an event before: the newest word of a person counts."""
    return work.execute(
        sa.update(corrections)
        .where(corrections.c.event_id == event_id, LIVE)
        .values(undone_at=sa.func.now(), undone_by=work.actor.id)
    )


def agreeing(
    work: UnitOfWork, matched: str, confirmed: str, category: str | None
) -> list[sa.RowMapping]:
    """Return live corrections with a place, from one grid to another, oldest first."""
    c = corrections.c
    return work.rows(
        sa.select(
            c.id, c.event_id, c.created_at, c.confirmed_by,
            sa.func.ST_X(c.place).label("lon"), sa.func.ST_Y(c.place).label("lat"),
        )
        .where(
            LIVE, c.matched_grid == matched, c.confirmed_grid == confirmed,
            c.category.is_not_distinct_from(category), c.place.is_not(None),
        )
        .order_by(c.id)
    )  # fmt: skip


def exceptions_between(work: UnitOfWork, matched: str, confirmed: str) -> list[sa.RowMapping]:
    """Return the exceptions that corrections between two grids made."""
    c = learned_exceptions.c
    return work.rows(
        sa.select(learned_exceptions).where(
            c.matched_grid == matched, c.confirmed_grid == confirmed
        )
    )


def note_exception(
    work: UnitOfWork, exception_id: int, correction_id: int, matched: str, confirmed: str
) -> None:
    """Remember that corrections made an exception."""
    work.execute(
        sa.insert(learned_exceptions).values(
            exception_id=exception_id,
            correction_id=correction_id,
            matched_grid=matched,
            confirmed_grid=confirmed,
        )
    )


def forget_exception(work: UnitOfWork, exception_id: int) -> None:
    """Forget that corrections made an exception: they do not any more."""
    work.execute(
        sa.delete(learned_exceptions).where(learned_exceptions.c.exception_id == exception_id)
    )
