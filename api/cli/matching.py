"""``gridward match``: a file of pins in, the same file with grids out."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.progress import Progress, TaskID

from api.cli.session import language, open_database, progress, put, say
from gis import settings
from gis.errors import GovernanceError, Rejected
from gis.governance.actors import SYSTEM
from gis.services.lookup import Boundaries, BoundarySnapshot
from gis.services.matching import Location, MatchRequest, match

ADDED: Final = (
    "grid_code",
    "grid_name",
    "level",
    "decision",
    "confidence",
    "edge_distance_m",
    "boundary_revision",
    "reason",
)
"""Columns that the command adds to every row; ``reason`` also says why a row has no match."""


class ColumnMissing(Rejected):
    """The file has no column of that name."""

    code = "column-missing"
    title_zh, title_en = "缺少列", "No such column"
    detail_zh = "{path} 没有列 {column}。现有列:{known}。"
    detail_en = "{path} has no column {column}. It has: {known}."


class FileUnreadable(Rejected):
    """The input is not there, is not CSV in UTF-8, or its ending is not known."""

    code = "file-unreadable"
    title_zh, title_en = "无法读取文件", "The file cannot be read"
    detail_zh = "无法读取 {path}:{reason_zh}"
    detail_en = "Cannot read {path}: {reason_en}"
