"""Levels and codes: what a code says, and what is refused with which reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest

from gis.governance.areas import (
    LEVELS,
    LOCAL,
    city_of,
    code_faults,
    community_kind,
    level_of,
    parent_of,
)

if TYPE_CHECKING:
    from pathlib import Path


def test_levels_run_from_coarse_to_fine_with_titles() -> None:
    assert list(LEVELS) == ["city", "county", "subdistrict", "community", "grid"]
    assert [level.digits for level in LEVELS.values()] == [6, 6, 9, 12, 15]
    assert all(level.title_zh and level.title_en for level in LEVELS.values())


@pytest.mark.parametrize("code", ["", "3411", "34110200100100", "３４１１０２", "34110x", "1054"])
def test_what_is_no_national_code_has_no_level(code: str) -> None:
    with pytest.raises(ValueError, match="not a national area code"):
        level_of(code)


@pytest.mark.parametrize(
    ("code", "level", "parent", "key", "words"),
    [
        ("", "grid", None, "code-missing", "empty"),
        ("341102 ", "county", None, "code-blank", "blanks"),
        ("341102\u200b", "county", None, "code-blank", "invisible"),
        ("３４１１０２", "county", None, "code-full-width", "it should be 341102"),
        ("34110A", "county", None, "code-not-digits", "digits only"),
        ("341102.0", "county", None, "code-not-digits", "digits only"),
        ("34110", "county", None, "code-length", "6 digits, this one 5"),
        ("341102000000", "county", None, "code-length", "filling zeros it is 341102"),
        ("341102", "city", None, "code-level", "ends with 00"),
        ("341100", "county", None, "code-level", "city's"),
        ("341102000", "subdistrict", None, "code-level", "area above"),
        ("341102001001000", "grid", None, "code-level", "area above"),
        ("341102001001003", "grid", "341102001002", "code-parent", "341102001001"),
        ("341102", "county", "341200", "code-parent", "341100"),
    ],
)
def test_faults_are_named(code: str, level: str, parent: str | None, key: str, words: str) -> None:
    (fault,) = code_faults(code, level, parent=parent)
    assert fault.key == key
    assert words in fault.reason_en
    assert fault.reason_zh


@pytest.mark.parametrize(
    ("code", "level", "parent"),
    [
        ("341100", "city", None),
        ("341171", "county", "341100"),
        ("310113", "county", "310000"),
        ("341102001", "subdistrict", "341102"),
        ("341102001001", "community", None),
        ("341102001001999", "grid", "341102001001"),
    ],
)
def test_good_codes_pass(code: str, level: str, parent: str | None) -> None:
    assert code_faults(code, level, parent=parent) == []


def test_local_codes_are_free_but_not_empty() -> None:
    assert code_faults("32067", "grid", code_system=LOCAL, parent="Queens") == []
    assert [f.key for f in code_faults("", "grid", code_system=LOCAL)] == ["code-missing"]


def test_an_unknown_level_is_a_bug_of_the_caller() -> None:
    with pytest.raises(ValueError, match="not a level"):
        code_faults("341102", "district")


def test_the_whole_statistics_list_of_chuzhou_keeps_the_rules(shared_data: Path) -> None:
    folder = shared_data / "chuzhou-admin-codes"
    for file, level in (
        ("counties", "county"),
        ("streets", "subdistrict"),
        ("villages", "community"),
    ):
        listed = pd.read_csv(folder / f"{file}.csv", dtype=str)
        for code in listed["code"]:
            assert code_faults(code, level, parent=parent_of(code)) == [], code
            assert city_of(code) == "341100"
            assert level_of(code) == level


def test_the_code_of_a_community_tells_town_from_village(shared_data: Path) -> None:
    villages = pd.read_csv(shared_data / "chuzhou-admin-codes/villages.csv", dtype=str)
    urban = villages["name"].str.endswith("居委会")
    rural = villages["name"].str.endswith("村委会")
    kinds = villages["code"].map(community_kind)
    assert (kinds[urban] == "urban").all()
    assert (kinds[rural] == "rural").all()
