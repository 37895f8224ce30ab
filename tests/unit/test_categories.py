"""The category file: what the default list holds, and how a bad row is refused."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from gis.errors import CategoryRowInvalid
from gis.governance.calendar import check_limit
from gis.governance.categories import (
    COLUMNS,
    REQUIRED_STAGES,
    Category,
    Limit,
    load_default,
    read_csv,
)
from gis.governance.duty import ROLES

SYNONYMS = {
    "建筑垃圾、渣土": "积存渣土",
    "道路保洁": "道路不洁",
    "绿地保洁": "绿地脏乱",
}
"""Names of one public list -> the name that another gives the same class."""

GOOD = {
    "key": "event-snow",
    "kind": "event",
    "major_zh": "市容环境",
    "title_zh": "积雪",
    "title_en": "Snow",
    "first_responsible": "territory",
    "handler_roles": "grid_worker; volunteer",
    "duplicate_distance_m": "50",
    "auto_dispatch": "yes",
    "escalation": "community;subdistrict",
    "source": "default",
    "limit_accept": "1.5 work_hours",
    "limit_handle": "2 urgent_hours",
    "limit_verify": "1 work_days",
}


def file_of(*rows: dict[str, str]) -> str:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


@pytest.fixture(scope="module")
def default() -> dict[str, Category]:
    return {category.key: category for category in load_default()}


def test_default_list_is_sound(default: dict[str, Category]) -> None:
    assert len(default) == len(load_default()) == 79
    for category in default.values():
        assert category.key.split("-")[0] in (category.kind, "hotline")
        assert set(REQUIRED_STAGES) <= set(category.deadlines)
        assert set(category.handler_roles) <= set(ROLES)
        assert category.escalation == ("community", "subdistrict")
        assert category.duplicate_distance_m >= 0
        for limit in category.deadlines.values():
            check_limit(*limit)
    assert len({category.title_zh for category in default.values()}) == len(default)
    assert len({category.title_en for category in default.values()}) == len(default)


def test_default_list_has_every_public_class(
    default: dict[str, Category], shared_data: Path
) -> None:
    public = shared_data / "event-categories" / "city_management_categories.csv"
    have = {(category.kind, category.title_zh) for category in default.values()}
    with public.open(encoding="utf-8-sig") as lines:
        rows = list(csv.DictReader(lines))
    assert len(rows) == 76
    for row in rows:
        name = SYNONYMS.get(row["minor_name"], row["minor_name"])
        assert (row["kind"], name) in have


@pytest.mark.parametrize(
    ("key", "stage", "limit"),
    [
        ("event-exposed-rubbish", "handle", (4, "work_hours")),
        ("event-dirty-road", "handle", (2, "work_hours")),
        ("event-construction-spoil", "clear_pile", (2, "work_days")),
        ("event-illegal-building", "handle", (20, "work_days")),
        ("event-green-space-upkeep", "handle", (5, "work_days")),
        ("event-illegal-parking", "handle", (3, "urgent_hours")),
        ("event-burst-pipe", "handle", (8, "urgent_hours")),
        ("event-burst-gas-pipe", "secure", (3, "urgent_hours")),
        ("hotline-complaint", "handle", (13, "work_days")),
    ],
)
def test_published_limits(
    default: dict[str, Category], key: str, stage: str, limit: tuple[float, str]
) -> None:
    assert default[key].deadlines[stage] == limit
    assert default[key].source != "default"


def test_who_is_first_and_what_waits_for_a_dispatcher(default: dict[str, Category]) -> None:
    for category in default.values():
        emergency = category.major_zh == "突发事件"
        assert category.auto_dispatch != emergency
        if category.kind == "event" or "权属不明" in category.title_zh:
            assert category.first_responsible == "territory"
        else:
            assert category.first_responsible == "owner"
    assert {key for key in default if key.startswith("hotline-")} == {
        "hotline-inquiry",
        "hotline-help",
        "hotline-complaint",
        "hotline-report",
        "hotline-suggestion",
    }


def test_reads_a_file_with_byte_order_mark_and_optional_stages(tmp_path: Path) -> None:
    path = tmp_path / "categories.csv"
    rows = file_of(
        GOOD | {"limit_secure": "1 urgent_hours"},
        GOOD | {"key": "event-ice", "limit_secure": "", "auto_dispatch": "否"},
    )
    path.write_text(rows, "utf-8-sig")
    snow, ice = read_csv(path)
    assert snow.handler_roles == ("grid_worker", "volunteer")
    assert snow.deadlines["secure"] == Limit(1.0, "urgent_hours")
    assert "secure" not in ice.deadlines
    assert (snow.auto_dispatch, ice.auto_dispatch) == (True, False)
    assert read_csv(rows) == [snow, ice]


def test_only_a_header_gives_no_categories() -> None:
    assert read_csv(",".join(COLUMNS)) == []


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("key", ""),
        ("key", "Event Snow"),
        ("kind", "thing"),
        ("title_zh", "  "),
        ("first_responsible", "somebody"),
        ("handler_roles", ""),
        ("handler_roles", "grid_worker;boss"),
        ("handler_roles", "grid_worker;grid_worker"),
        ("duplicate_distance_m", "-1"),
        ("duplicate_distance_m", "nan"),
        ("duplicate_distance_m", "near"),
        ("auto_dispatch", "maybe"),
        ("escalation", "country"),
        ("source", ""),
        ("limit_accept", ""),
        ("limit_handle", "4"),
        ("limit_handle", "4 hours"),
        ("limit_handle", "0 work_hours"),
        ("limit_handle", "many work_hours"),
        ("limit_verify", "1.5 work_days"),
    ],
)
def test_bad_row_is_refused_with_its_line_and_column(column: str, value: str) -> None:
    with pytest.raises(CategoryRowInvalid) as refused:
        read_csv(file_of(GOOD, GOOD | {"key": "event-ice", column: value}))
    assert (refused.value.facts["line"], refused.value.facts["column"]) == (3, column)
    assert "3" in refused.value.detail("zh")
    assert column in refused.value.detail("en")


def test_key_used_twice_is_refused() -> None:
    with pytest.raises(CategoryRowInvalid) as refused:
        read_csv(file_of(GOOD, GOOD))
    assert refused.value.facts["line"] == 3
    assert "2" in str(refused.value.facts["expected_zh"])


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 1),
        ("key,kind\n", 1),
        (",".join([*COLUMNS, "colour"]), 1),
        (file_of(GOOD) + "event-ice,event\n", 3),
        (file_of(GOOD) + ",".join(["x"] * 20) + "\n", 3),
        (file_of(GOOD) + '"open quote\n', 3),
    ],
)
def test_broken_file_is_refused_with_its_line(text: str, line: int) -> None:
    with pytest.raises(CategoryRowInvalid) as refused:
        read_csv(text)
    assert refused.value.facts["line"] == line


def test_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "gbk.csv"
    path.write_bytes(file_of(GOOD).encode("gb18030"))
    with pytest.raises(CategoryRowInvalid) as refused:
        read_csv(path)
    assert refused.value.facts["line"] == 2
    assert "UTF-8" in refused.value.detail("en")
