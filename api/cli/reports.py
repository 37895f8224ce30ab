"""How commands show a report: on the terminal, as JSON, and in a file."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from api.cli.session import language, put
from gis.services.import_report import ImportReport
from layers import files


def show(report_of: ImportReport, *, report: Path | None, as_json: bool) -> None:
    """Write a report to its file, if one is named, and print it."""
    if report is not None:
        with files.written(report) as unfinished:
            unfinished.write_text(rendered(report_of, report.suffix.lower()), encoding="utf-8")
    if as_json:
        put(report_of.to_json())
    else:
        sys.stdout.write(report_of.to_text(language()))


def rendered(result: ImportReport, ending: str) -> str:
    """Return a report in the form that the ending of its file asks for."""
    if ending == ".html":
        return result.to_html(language())
    if ending == ".txt":
        return result.to_text("zh", places=1000) + "\n" + result.to_text("en", places=1000)
    answer = result.to_geojson() if ending == ".geojson" else result.to_json()
    return json.dumps(answer, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
