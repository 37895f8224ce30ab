"""Categories in the database come back as they went in."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gis.errors import CategoryUnknown
from gis.governance.categories import Limit, load_default
from gis.store.categories import all_active, by_key, replace_all
from gis.store.unit_of_work import UnitOfWork


def test_default_list_survives_the_round_trip_in_its_order(work: UnitOfWork) -> None:
    default = load_default()
    assert replace_all(work, default) == len(default)
    assert all_active(work) == default
    assert by_key(work, "event-burst-pipe").deadlines["secure"] == Limit(3.0, "urgent_hours")


def test_replacing_keeps_what_is_no_longer_named_inactive(work: UnitOfWork) -> None:
    default = load_default()
    replace_all(work, default)
    changed = replace(default[3], title_zh="路面不洁", deadlines={"handle": Limit(9, "work_days")})
    replace_all(work, [changed, default[0]])
    assert all_active(work) == [changed, default[0]]
    retired = by_key(work, default[5].key)
    assert retired == default[5]
    replace_all(work, default)
    assert all_active(work) == default
    assert replace_all(work, []) == 0
    assert all_active(work) == []


def test_unknown_key_is_not_found(work: UnitOfWork) -> None:
    with pytest.raises(CategoryUnknown) as missing:
        by_key(work, "event-nothing")
    assert missing.value.facts == {"key": "event-nothing"}
