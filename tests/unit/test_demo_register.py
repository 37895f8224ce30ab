"""The demo city's names and codes: real, nested, and never too few."""

from __future__ import annotations

import pytest

from gis.governance.areas import code_faults
from layers.demo.register import County, read_counties, thin


@pytest.fixture(scope="module")
def counties() -> list[County]:
    return read_counties()


def test_the_register_has_the_citys_numbers(counties: list[County]) -> None:
    subdistricts = [s for county in counties for s in county.subdistricts]
    communities = [c for s in subdistricts for c in s.communities]
    assert (len(counties), len(subdistricts), len(communities)) == (8, 124, 1267)
    assert sum(c.urban for c in communities) == 229


def test_every_code_begins_with_its_parents(counties: list[County]) -> None:
    for county in counties:
        for s in county.subdistricts:
            assert code_faults(s.code, "subdistrict", parent=county.code) == []
            for c in s.communities:
                assert code_faults(c.code, "community", parent=s.code) == []


def test_codes_are_unique_and_moved_ones_keep_the_national_code(counties: list[County]) -> None:
    subdistricts = [s for county in counties for s in county.subdistricts]
    codes = [s.code for s in subdistricts] + [c.code for s in subdistricts for c in s.communities]
    assert len(set(codes)) == len(codes)
    moved = {s.name: (s.code, s.other_code) for s in subdistricts if s.other_code}
    assert moved["大王街道"] == ("341103471", "341171001")
    assert len(moved) == 4


@pytest.mark.parametrize("scale", [0.02, 0.1, 0.5])
def test_a_smaller_city_keeps_all_counties(counties: list[County], scale: float) -> None:
    fewer = thin(counties, scale)
    assert [county.code for county in fewer] == [county.code for county in counties]
    assert all(county.subdistricts for county in fewer)
    assert all(s.communities for county in fewer for s in county.subdistricts)
    count = sum(len(s.communities) for county in fewer for s in county.subdistricts)
    assert count == pytest.approx(1267 * scale, rel=0.1, abs=3)
