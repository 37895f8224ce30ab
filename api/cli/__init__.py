"""The command line ``gridward``: one small module per group of commands."""

from __future__ import annotations

import gc
import logging
import sys
from importlib import import_module
from typing import Final

import structlog
import typer

from api.cli import session

ABOUT: Final = "Gridward：城市网格治理空间服务 / spatial governance service for Chinese cities."

COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "up": (
        "serve",
        "一步启动：数据库、结构、示范城市、服务 / Database, schema, demo city, server at once.",
    ),
    "serve": (
        "serve",
        "启动服务（数据库结构须已就绪）/ Serve; the schema must be migrated already.",
    ),
    "work": (
        "work",
        "运行后台任务（时限提醒、升级、长任务）/ Run jobs: clocks, escalations, long computations.",
    ),
    "settings": (
        "settings",
        "列出全部设置及当前值（密码不显示）/ List every setting and its value, passwords hidden.",
    ),
    "token": (
        "access",
        "签发令牌（只显示一次）/ Issue a token; it is shown once and kept only as a hash.",
    ),
    "revoke": (
        "access",
        "吊销令牌及由它登录的会话 / Revoke a token and the sessions opened with it.",
    ),
    "import": (
        "imports",
        "导入文件并报告问题 / import files, with a report of what is wrong in them",
    ),
    "export": ("exports", "导出图层 / Write a layer to a file."),
    "boundaries": (
        "boundaries",
        "边界版本：草稿、比对、发布 / boundary revisions: draft, diff, publish",
    ),
    "check": ("checking", "核对边界 / check the boundaries"),
    "repair": ("repairing", "修复边界 / repair the boundaries"),
    "match": (
        "matching",
        "批量匹配：为每一行找出所属网格 / Match every row of a file to its grid, on every core.",
    ),
    "rematch": (
        "rematch",
        "重新匹配历史事件，列出归属变化（不改动数据）/ Match the history again; writes nothing.",
    ),
    "evaluate": (
        "evaluation",
        "评估匹配：准确率、自动派单、校准 / Accuracy, auto share, precision of auto, calibration.",
    ),
    "learn": ("learning", "学习：更正、别名、来源校准 / What was learned, and taking it back"),
    "aliases": ("aliases", "区域别名、旧名 / Other and old names of areas"),
    "coverage": ("planning", "统计站点覆盖的人口 / Count the people within reach of stations."),
    "map": (
        "planning",
        "把地图保存为可离线打开的网页、图片或 PDF / Save a map as a page, a picture or a PDF.",
    ),
    "site": ("siting", "选址：新站点设在哪里，附最优性证明 / Choose new stations, with a proof."),
    "employment": ("employment", "三公里就业圈 / the 3 km employment circle"),
    "kpis": ("kpis", "导出月度考核表 / Write the monthly sheet of indicators."),
    "scenarios": ("scenarios", "规划方案：保存、对比、复算、导出 / planning scenarios"),
    "accessibility": ("access_scores", "站点可达性（2SFCA、E2SFCA）/ Access scores by area."),
    "staffing": (
        "access_scores",
        "社区工作者配备与网格负荷 / Community workers against the standard, grid loads.",
    ),
    "db": ("database", "数据库：结构、备份、恢复 / The database: schema, backup, restore."),
    "demo": ("demo", "示范城市（合成数据）/ The demo city: made data on real names and outlines."),
}
"""Command -> the module here that registers it, and its line in the help, in that order."""


def app(*modules: str) -> typer.Typer:
    """Return the command line with the commands of some modules, of all without any."""
    made = session.Bilingual(ABOUT)

    @made.callback(help=ABOUT)
    def group() -> None:
        """Keep one command a group: typer would otherwise drop its name."""

    for module in modules or dict.fromkeys(module for module, _ in COMMANDS.values()):
        import_module(f"api.cli.{module}").register(made)
    return made


def listing() -> typer.Typer:
    """Return the command line with the names and lines of all commands and nothing behind them."""
    made = session.Bilingual(ABOUT)

    def nothing() -> None:
        """Stand for a command whose module is not imported."""

    for name, (_, line) in COMMANDS.items():
        made.command(name, help=line)(nothing)
    return made


def main() -> None:
    """Run the command line; the exit status is 0, 1 (refused) or 2 (wrong usage).

    Only the module of the command that was typed is imported, for the list of all commands none:
    maps and files take seconds.
    """
    # results go to standard output, and only they: a command that serves sets its logs up itself
    structlog.configure(
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        cache_logger_on_first_use=False,
    )
    wanted = next((word for word in sys.argv[1:] if not word.startswith("-")), None)
    chosen = [COMMANDS[wanted][0]] if wanted in COMMANDS and wanted == sys.argv[1] else []
    gc.disable()  # modules stay: looking through them while they load is a seventh of the start
    made = listing() if wanted is None else app(*chosen)
    gc.freeze()
    gc.enable()
    sys.exit(session.explained(made))
