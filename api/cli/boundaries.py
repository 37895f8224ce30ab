"""``gridward boundaries``: editions of the boundaries, from draft to publication."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from api.cli import exceptions, impact, imports, redrawing
from api.cli.delivery import AsJson, lesser
from api.cli.instants import in_the_city, instant_of
from api.cli.session import Bilingual, open_database, put, say
from gis.governance.actors import SYSTEM
from gis.services import editions
from gis.services.draft_review import review
from gis.services.import_findings import KINDS

app = Bilingual("边界版本：草稿、比对、发布 / boundary revisions: draft, diff, publish")

Id = Annotated[int, typer.Argument(help="草稿编号 / number of the draft", min=1, max=2**53)]
_KINDS = {"new": ("新增", "new"), "changed": ("变更", "changed"), "retired": ("停用", "retired")}


app.command("draft", help="检查文件并存为草稿 / Check a file and keep what differs as a draft.")(
    lesser(imports.areas, "valid_from", "publish")
)


@app.command("retire")
def retire(
    codes: Annotated[list[str], typer.Argument(help="编码 / codes", metavar="CODE...")],
    draft_id: Annotated[
        int | None, typer.Option("--draft", help="并入该草稿 / add to this draft", min=1)
    ] = None,
    title: Annotated[
        str | None, typer.Option(help="版本说明 / title of the revision", metavar="TEXT")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """起草停用区域，编码从此不再使用 / Draft that areas retire; codes are never used again."""
    with open_database() as database:
        answer = editions.retire_areas(database, SYSTEM, codes, draft_id=draft_id, title=title)
    if as_json:
        put(answer.body)
        return
    number = answer.body["draft_id"]
    say(
        f"草稿 {number} 将停用 {len(set(codes))} 个区域。",
        f"Draft {number} retires {len(set(codes))} areas.",
    )


@app.command("diff")
def diff(draft_id: Id, as_json: AsJson = False) -> None:
    """草稿的差别、核对与影响 / What a draft would change, its check and its impact."""
    with open_database() as database:
        answer = review(database, SYSTEM, draft_id)
    if as_json:
        put(answer)
        return
    say(*_headline(answer))
    for row in answer.get("changes", ()):
        zh, en = _KINDS[row["change"]]
        area = " -> ".join(
            f"{row[key]:,.0f}" for key in ("old_area_m2", "area_m2") if row[key] is not None
        )
        name = row["name"] or row["old_name"]
        say(f"  {zh} {row['code']} {name} {area} 平方米", f"  {en} {row['code']} {name} {area} m2")
    for row in answer["lineage"]:
        people = "-" if row["people_share"] is None else f"{row['people_share']:.1%}"
        share = f"{row['area_share']:.1%}"
        said = f"  {row['old_code']} -> {row['new_code']}"
        say(f"{said} 面积 {share} 人口 {people}", f"{said} area {share}, people {people}")
    for row in answer.get("uncovered", ()):
        place = f"{row['area_m2']:,.0f} m2 @ {row['lon']:.6f}, {row['lat']:.6f}"
        say(f"  [提示] 将无人管：{place}", f"  [warning] left without an owner: {place}")
    for row in answer.get("doubled", ()):
        place = f"{row['one']} / {row['other']} {row['area_m2']:,.0f} m2"
        place += f" @ {row['lon']:.6f}, {row['lat']:.6f}"
        say(f"  [提示] 两家管：{place}", f"  [warning] two owners: {place}")
    for row in answer.get("conflicts", ()):
        say(f"  [错误] {row['text_zh']}", f"  [ERROR] {row['text_en']}")
    _say_check(draft_id, answer["check"])
    if answer.get("impact"):
        _say_impact(draft_id, answer["impact"]["summary"])


def _say_check(draft_id: int, checked: dict[str, Any] | None) -> None:
    if checked is None:
        return
    mine, every = checked["of_draft"], checked["findings_by_kind"]
    kinds_zh = "、".join(f"{KINDS[kind].title_zh} {count}" for kind, count in mine.items())
    kinds_en = ", ".join(f"{KINDS[kind].title_en} {count}" for kind, count in mine.items())
    say(
        f"全市核对：{sum(every.values())} 项发现，涉及草稿区域的 {sum(mine.values())} 项"
        f"{f'（{kinds_zh}）' if mine else ''}；详见 gridward check grids --draft {draft_id}",
        f"Check of the whole city: {sum(every.values())} findings, {sum(mine.values())} at areas "
        f"of the draft{f' ({kinds_en})' if mine else ''}; gridward check grids --draft {draft_id}",
    )


def _say_impact(draft_id: int, total: dict[str, Any]) -> None:
    if not total:
        return
    say(
        f"影响：划转 {total['residents_moved']:,} 人、{total['stations_moved']:,} 个站点、"
        f"{total['open_orders_moved']:,} 个在办工单；详见 gridward boundaries impact {draft_id}",
        f"Impact: {total['residents_moved']:,} people, {total['stations_moved']:,} stations and "
        f"{total['open_orders_moved']:,} open work orders move; "
        f"gridward boundaries impact {draft_id}",
    )


@app.command("publish")
def publish(
    draft_id: Id,
    valid_from: Annotated[
        str | None,
        typer.Option(
            help="生效时间（日期或 RFC 3339），缺省现在 / from when: a date or RFC 3339; now",
            metavar="WHEN",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """发布草稿 / Publish a draft."""
    start = None if valid_from is None else instant_of(valid_from)
    with open_database() as database:
        answer = editions.publish_keyed(database, SYSTEM, draft_id, valid_from=start).body
    if as_json:
        put(answer)
    else:
        since = in_the_city(answer["effective_from"])
        say(
            f"已发布为边界版本 {answer['revision']}，{since} 起生效。",
            f"Published as boundary revision {answer['revision']}, in force from {since}.",
        )


@app.command("revisions")
def revisions(
    limit: Annotated[int, typer.Option(help="最多几条 / how many", min=1, max=1000)] = 20,
    as_json: AsJson = False,
) -> None:
    """边界版本与草稿 / Revisions and open drafts, newest first."""
    with open_database() as database:
        items, more = editions.revisions(database, SYSTEM, limit=limit)
    if as_json:
        put({"items": items, "more": more})
        return
    for item in items:
        say(*_headline(item))


@app.command("discard")
def discard(draft_id: Id) -> None:
    """作废草稿 / Discard a draft; what is published is never touched."""
    with open_database() as database:
        editions.discard_draft(database, SYSTEM, draft_id)
    say(f"草稿 {draft_id} 已作废。", f"Draft {draft_id} is discarded.")


def _headline(item: dict[str, Any]) -> tuple[str, str]:
    counts_zh = f"{item['areas']} 个区域" if "areas" in item else ""
    counts_en = f"{item['areas']} areas" if "areas" in item else ""
    if item.get("retired"):
        counts_zh += f"，停用 {item['retired']} 个"
        counts_en += f", {item['retired']} retired"
    if item["status"] == "draft":
        head_zh, head_en = f"草稿 {item['draft_id']}", f"draft {item['draft_id']}"
        head_zh += f"（基于版本 {item['base_revision']}）"
        head_en += f" (on revision {item['base_revision']})"
    else:
        since = in_the_city(item["effective_from"])
        head_zh = f"版本 {item['revision']}，{since} 起"
        head_en = f"revision {item['revision']}, from {since}"
    return f"{head_zh} {item['title']} {counts_zh}", f"{head_en} {item['title']} {counts_en}"


def register(commands: typer.Typer) -> None:
    """Add the group of commands."""
    impact.register_into(app)
    exceptions.register_into(app)
    redrawing.register_into(app)
    commands.add_typer(app, name="boundaries")
