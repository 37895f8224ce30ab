"""Editions 边界版本: a draft is looked at, published, discarded; areas retire and leave heirs.

Whoever drafts or publishes holds the advisory lock of boundaries, so publications come one after
the other. A publication is one transaction; only what a draft names gets a new version.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from gis.errors import (
    CodeRetired,
    DraftOutdated,
    DraftUnknown,
    OutsideScope,
    ParentRetired,
    RetirementInvalid,
    ValidFromPast,
    ValidFromTooEarly,
)
from gis.governance.actors import Actor
from gis.services import jobs
from gis.services.follow import follow_or_wait
from gis.store import access
from gis.store import boundaries as drafts
from gis.store import editions as store
from gis.store.access import Answer, KeyedRequest
from gis.store.unit_of_work import Database, UnitOfWork

BUILD_LAYERS: Final = "build-layers"
"""The job that draws the zoom bands of a revision; :mod:`layers.bands` does it."""

CHECK_DRAFT: Final = "check-draft"
"""The job that checks a draft before somebody looks; :mod:`gis.services.draft_review` does it."""

LISTED: Final = 5
"""Codes that a sentence names; the facts hold all of them."""

SEES_DRAFTS: Final = frozenset({"planner", "admin"})

_SLACK: Final = timedelta(minutes=1)  # "now", as a caller's own clock and a slow request have it


def revisions(
    database: Database, actor: Actor, *, before: int | None = None, limit: int = 100
) -> tuple[list[dict[str, Any]], bool]:
    """Return the revisions, newest first, and whether more follow; drafts for planners only."""
    with database.reading(actor) as work:
        sees = actor.role in SEES_DRAFTS
        rows = store.listing(work, with_drafts=sees, before=before, limit=limit + 1)
        return [_brief(row, sees=sees) for row in rows[:limit]], len(rows) > limit


def draft(database: Database, actor: Actor, draft_id: int) -> dict[str, Any]:
    """Return what a draft would do: changes, heirs, ground without or with two owners, conflicts.

    Of a published one what is kept: its report and its lineage.

    Raises
    ------
    gis.errors.DraftUnknown
        None of that number, or it was discarded.
    gis.errors.OutsideScope
        It touches areas outside the actor's.
    """
    with database.reading(actor) as work:
        found = store.head(work, draft_id)
        if found is None or found["status"] == "discarded":
            raise DraftUnknown(draft_id=draft_id)
        check_scope(actor, store.codes_of(work, draft_id))
        answer = _brief(found, sees=True) | {"report": found["report"]}
        if found["status"] == "published":
            heirs = store.lineage_of_revision(work, found["revision"])
            return answer | {"lineage": [dict(row) for row in heirs]}
        collisions = _collisions(work, found)
        return answer | {
            "changes": [dict(row) for row in store.changes(work, draft_id)],
            "lineage": [dict(row) for row in store.lineage(work, draft_id)],
            "uncovered": [dict(row) for row in store.uncovered(work, draft_id)],
            "doubled": [dict(row) for row in store.doubled(work, draft_id)],
            "conflicts": [
                {"code": error.code, "text_zh": error.detail("zh"), "text_en": error.detail("en")}
                for error in collisions
            ],
        }


def retire_areas(
    database: Database,
    actor: Actor,
    codes: Sequence[str],
    *,
    draft_id: int | None = None,
    title: str | None = None,
    keyed: KeyedRequest | None = None,
) -> Answer:
    """Note in a draft, a new one unless named, that areas retire when it is published.

    Raises
    ------
    gis.errors.DraftUnknown
        The draft named is not open.
    gis.errors.RetirementInvalid
        A code does not stand, or the draft changes the same area.
    gis.errors.OutsideScope
        A code outside the actor's area.
    """
    wanted = sorted(set(codes))
    with database.transaction(actor) as work:
        answered = access.first_answer(work, keyed)
        if answered is not None:
            return answered
        drafts.lock(work)
        if draft_id is None:
            check_retirements(work, wanted, drafted=())
            source = {"retire": " ".join(wanted)}
            heading = title or f"撤销 {_listed(wanted)} / retire {_listed(wanted)}"
            draft_id = drafts.add_draft(work, title=heading, source=source, report={})
        else:
            if not drafts.is_open_draft(work, draft_id):
                raise DraftUnknown(draft_id=draft_id)
            drafted = [r["code"] for r in store.changes(work, draft_id) if r["change"] != "retired"]
            check_scope(actor, drafted)
            check_retirements(work, wanted, drafted=drafted)
        store.add_retirements(work, draft_id, wanted)
        check_later(work, draft_id)
        body = {"draft_id": draft_id, "outcome": "drafted", "retire": wanted}
        return access.remember(work, keyed, status=201, body=body)


def discard_draft(database: Database, actor: Actor, draft_id: int) -> None:
    """Discard an open draft; what is published is never touched.

    Raises
    ------
    gis.errors.DraftUnknown, gis.errors.OutsideScope
    """
    with database.transaction(actor) as work:
        drafts.lock(work)
        if not drafts.is_open_draft(work, draft_id):
            raise DraftUnknown(draft_id=draft_id)
        check_scope(actor, store.codes_of(work, draft_id))
        drafts.discard(work, draft_id)
        store.drop_retirements(work, draft_id)


def publish_draft(
    database: Database, actor: Actor, draft_id: int, *, valid_from: datetime | None = None
) -> int:
    """Publish a draft; return the number of the new boundary revision.

    Raises what :func:`publish_within` raises.
    """
    body = publish_keyed(database, actor, draft_id, valid_from=valid_from).body
    return int(body["revision"])


def publish_keyed(
    database: Database,
    actor: Actor,
    draft_id: int,
    *,
    valid_from: datetime | None = None,
    keyed: KeyedRequest | None = None,
) -> Answer:
    """Publish a draft once per key; answer with the revision as it is listed."""
    with database.transaction(actor) as work:
        answered = access.first_answer(work, keyed)
        if answered is not None:
            return answered
        drafts.lock(work)
        revision = publish_within(work, draft_id, valid_from)
        found = store.head(work, draft_id)
        body = {"revision": revision} | ({} if found is None else _brief(found, sees=True))
        heirs = store.lineage_of_revision(work, revision)
        body["lineage"] = [dict(row) for row in heirs]
        return access.remember(work, keyed, status=200, body=body)


def publish_within(work: UnitOfWork, draft_id: int, valid_from: datetime | None) -> int:
    """Publish a draft in an open transaction that holds the lock of boundaries.

    Versions that it replaces or retires end at ``valid_from`` (now without one).

    Raises
    ------
    gis.errors.DraftUnknown
        There is no open draft of that number.
    gis.errors.ValidFromTooEarly
        Not later than the revision before.
    gis.errors.ValidFromPast
        Boundaries are in force, and answers about the past would change.
    gis.errors.DraftOutdated
        A revision published since the draft was made changed what it draws. Otherwise the draft
        is simply taken on top of the newer revision.
    gis.errors.CodeRetired, gis.errors.ParentRetired
        A code would be used again, or an area would stand below a retired one.
    gis.errors.OutsideScope
        It touches areas outside the actor's.
    """
    if valid_from is not None and valid_from.tzinfo is None:
        message = "valid_from must carry its offset"
        raise ValueError(message)
    found = store.head(work, draft_id)
    if found is None or found["status"] != "draft":
        raise DraftUnknown(draft_id=draft_id)
    check_scope(work.actor, store.codes_of(work, draft_id))
    revision, earliest = drafts.latest(work)
    now = drafts.clock(work)
    start = valid_from or now
    if earliest is not None and start <= earliest:
        raise ValidFromTooEarly(valid_from=start.isoformat(), earliest=earliest.isoformat())
    if earliest is not None and start < now - _SLACK:
        raise ValidFromPast(valid_from=start.isoformat())
    for collision in _collisions(work, found):
        raise collision
    drafts.publish(work, draft_id, revision=revision + 1, valid_from=start)
    follow_or_wait(work, revision + 1, start)
    jobs.defer(work, BUILD_LAYERS, at=start, key=f"{BUILD_LAYERS}:{revision + 1}")
    return revision + 1


def check_later(work: UnitOfWork, draft_id: int) -> None:
    """Let a worker check a draft after the commit, so that whoever looks need not wait."""
    jobs.defer(work, CHECK_DRAFT, {"draft_id": draft_id}, key=f"{CHECK_DRAFT}:{draft_id}")


def answered_before(database: Database, actor: Actor, keyed: KeyedRequest | None) -> Answer | None:
    """Return what was answered to a key, without claiming it.

    For drafts from files, whose check takes longer than a transaction should: two requests with
    one key at once make one draft all the same, for the second finds it waiting.
    """
    if keyed is None:
        return None
    with database.transaction(actor) as work:
        answered = access.first_answer(work, keyed)
        if answered is None:
            access.release(work, keyed)
        return answered


def keep_answer(
    database: Database, actor: Actor, keyed: KeyedRequest | None, *, status: int, body: object
) -> Answer:
    """Keep the answer to a key; the first one that was kept is the one that is given."""
    with database.transaction(actor) as work:
        answered = access.first_answer(work, keyed)
        if answered is not None:
            return answered
        return access.remember(work, keyed, status=status, body=body)


def check_scope(actor: Actor, codes: Sequence[str]) -> None:
    """Refuse codes outside the actor's area (:class:`gis.errors.OutsideScope`)."""
    beyond = [code for code in codes if not actor.covers(code)]
    if beyond:
        raise OutsideScope(scope=actor.area_code, code=_listed(beyond))


def check_retirements(work: UnitOfWork, codes: Sequence[str], *, drafted: Sequence[str]) -> None:
    """Refuse codes that cannot retire; ``drafted`` are those that the same draft draws."""
    check_scope(work.actor, codes)
    unknown = sorted(set(codes) - store.standing_codes(work, codes))
    if unknown:
        raise RetirementInvalid(
            listed=_listed(unknown),
            reason_zh="现行边界中没有这些区域",
            reason_en="no such area stands today",
        )
    both = sorted(set(codes) & set(drafted))
    if both:
        raise RetirementInvalid(
            listed=_listed(both),
            reason_zh="同一草稿又修改了它们",
            reason_en="the same draft changes them",
        )


def _collisions(
    work: UnitOfWork, found: sa.RowMapping
) -> list[CodeRetired | DraftOutdated | ParentRetired]:
    """Return everything that keeps a draft from being published."""
    draft_id, collisions = found["id"], list[CodeRetired | DraftOutdated | ParentRetired]()
    base, (revision, _) = found["base_revision"], drafts.latest(work)
    if base is not None and base < revision:
        moved = store.moved_since(work, draft_id, base)
        if moved:
            facts = {"draft_id": draft_id, "base": base, "revision": revision, "codes": moved}
            collisions.append(DraftOutdated(listed=_listed(moved), **facts))
    taken = store.reused(work, draft_id)
    if taken:
        collisions.append(CodeRetired(listed=_listed(taken), codes=taken))
    orphans = [row["code"] for row in store.orphans(work, draft_id)]
    if orphans:
        collisions.append(ParentRetired(listed=_listed(orphans), codes=orphans))
    return collisions


def _brief(row: sa.RowMapping, *, sees: bool) -> dict[str, Any]:
    """Return the head of a draft or revision; who made it is told to planners only."""
    shown = ("revision", "status", "title", "base_revision", "areas", "retired")
    answer = {"draft_id": row["id"]} | {key: row[key] for key in shown if key in row}
    for key in ("created_at", "published_at", "effective_from"):
        answer[key] = None if row[key] is None else row[key].isoformat()
    if sees:
        answer |= {"created_by": row["created_by"], "source": row["source"]}
    return answer


def _listed(codes: Sequence[str]) -> str:
    more = " ..." if len(codes) > LISTED else ""
    return ", ".join(codes[:LISTED]) + more
