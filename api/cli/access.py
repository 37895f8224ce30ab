"""``gridward token``: let a person or a program in."""

from __future__ import annotations

from typing import Annotated

import typer

from api.cli.session import language, open_database, put, say
from gis.errors import AreaUnknown, PersonUnknown, RoleUnknown
from gis.governance.actors import ROLES, SYSTEM
from gis.governance.calendar import SHANGHAI
from gis.services import access


def token(
    role: Annotated[
        str,
        typer.Option(help=f"角色 / role: {', '.join(ROLES)}", metavar="ROLE"),
    ],
    area: Annotated[
        str | None,
        typer.Option(
            help="仅限此区域及其下级 / act only inside this area and below", metavar="CODE"
        ),
    ] = None,
    days: Annotated[
        float, typer.Option(help="有效天数 / days that it lasts", min=0.001, max=3660)
    ] = 30.0,
    label: Annotated[str, typer.Option(help="用途备注 / what it is for")] = "",
    person: Annotated[
        str | None,
        typer.Option(help="本人的代码或编号 / whose token it is: code or number", metavar="CODE"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")] = False,
) -> None:
    """签发令牌（只显示一次）/ Issue a token; it is shown once and kept only as a hash."""
    with open_database() as database:
        try:
            issued = access.issue_token(
                database, SYSTEM, role=role, area=area, days=days, label=label, person=person
            )
        except (RoleUnknown, AreaUnknown, PersonUnknown) as error:
            options = {RoleUnknown: "--role", AreaUnknown: "--area", PersonUnknown: "--person"}
            option = options[type(error)]
            raise typer.BadParameter(error.detail(language()), param_hint=option) from None
    if issued.reaches_nowhere:
        say(
            "此网格员令牌既未写明本人，也未写明区域：看不到任何案件，只能上报。"
            "请加 --person 人员代码（推荐）或 --area 区域代码重新签发。",
            "This grid worker's token names neither a person nor an area: it sees no case and can "
            "only report. Issue it again with --person CODE (better) or --area CODE.",
        )
    if as_json:
        put(
            {
                "token": issued.secret,
                "id": issued.credential_id,
                "role": issued.role,
                "area": issued.area_code,
                "label": issued.label,
                "expires_at": issued.expires_at.isoformat(),
            }
        )
        return
    typer.echo(issued.secret)
    until = issued.expires_at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")
    say(
        f"请妥善保存，此令牌只显示一次；有效期至 {until}。",
        f"Keep it safe: it is shown only now. Valid until {until}.",
    )


def revoke(
    credential_id: Annotated[
        int, typer.Argument(help="令牌编号（token --json 的 id）/ id of the token", metavar="ID")
    ],
) -> None:
    """吊销令牌及由它登录的会话 / Revoke a token and the sessions opened with it."""
    with open_database() as database:
        ended = access.revoke(database, SYSTEM, credential_id)
    if ended == 0:
        say(
            f"没有编号为 {credential_id} 的有效凭证。",
            f"There is no live credential {credential_id}.",
        )
        raise typer.Exit(1)
    say(f"已吊销 {ended} 个凭证，数秒内生效。", f"Revoked {ended}; effective within seconds.")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("token")(token)
    app.command("revoke")(revoke)
