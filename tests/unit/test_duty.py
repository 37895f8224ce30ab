"""Who is next: roles, deputies, absence, validity, ties."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gis.governance.duty import ROLES, Assignment, TeamMember, Unrouted, next_in_line

NOW = datetime(2026, 11, 23, 2, tzinfo=UTC)
PATH = {
    "city": "341100",
    "county": "341102",
    "subdistrict": "341102001",
    "community": "341102001001",
    "grid": "341102001001003",
}
GRID, COMMUNITY = PATH["grid"], PATH["community"]

WORKER = TeamMember(10, "王芳", "grid_worker", GRID)
DEPUTY = TeamMember(11, "赵敏", "grid_worker", GRID, deputy=True)
LEAD = TeamMember(12, "李军", "grid_lead", GRID)
CADRE = TeamMember(13, "陈刚", "cadre", COMMUNITY)
SECRETARY = TeamMember(14, "周涛", "party_secretary", COMMUNITY)
POLICE = TeamMember(15, "吴警官", "police_officer", COMMUNITY)
TEAM = (WORKER, DEPUTY, LEAD, CADRE, SECRETARY, POLICE)


def chosen(*team: TeamMember, roles: tuple[str, ...] = ("grid_worker",)) -> Assignment:
    answer = next_in_line(team, PATH, roles, NOW)
    assert isinstance(answer, Assignment)
    return answer


def test_order_is_worker_deputy_lead_cadre_secretary() -> None:
    team = [replace(member, absent=False) for member in TEAM[:5]]
    order = []
    for _ in range(5):
        person = chosen(*team).member.person_id
        order.append(person)
        team = [replace(m, absent=m.absent or m.person_id == person) for m in team]
    assert order == [10, 11, 12, 13, 14]
    answer = next_in_line(team, PATH, ("grid_worker",), NOW)
    assert isinstance(answer, Unrouted)
    assert answer.reason.code == "everybody-absent"


def test_the_worker_on_duty_needs_no_excuse() -> None:
    answer = chosen(*TEAM)
    assert answer.member is WORKER
    assert answer.level == "grid"
    assert answer.reason.code == "on-duty"
    assert answer.reason.text_zh == "王芳是本网格网格员，当前在岗。"


def test_absent_worker_is_named_in_the_reason() -> None:
    answer = chosen(replace(WORKER, absent=True), DEPUTY, LEAD)
    assert answer.member is DEPUTY
    assert answer.reason.code == "next-in-line"
    assert answer.reason.facts["absent"] == ["王芳"]
    assert "王芳" in answer.reason.text_zh
    assert "deputy grid worker" in answer.reason.text_en


def test_category_roles_come_first_then_the_chain() -> None:
    roles = ("police_officer", "grid_worker")
    assert chosen(*TEAM, roles=roles).member is POLICE
    assert chosen(*TEAM, roles=roles).level == "community"
    assert chosen(*(m for m in TEAM if m is not POLICE), roles=roles).member is WORKER
    assert chosen(LEAD, POLICE, roles=("grid_worker", "police_officer")).member is LEAD
    assert chosen(CADRE, POLICE, roles=("grid_worker", "police_officer")).member is POLICE
    assert chosen(WORKER, CADRE, roles=("volunteer",)).member is WORKER
    assert chosen(CADRE, roles=()).member is CADRE


def test_without_a_grid_the_community_answers() -> None:
    path = {level: code for level, code in PATH.items() if level != "grid"}
    answer = next_in_line(TEAM, path, ("grid_worker",), NOW)
    assert isinstance(answer, Assignment)
    assert answer.member is CADRE


def test_duty_counts_only_within_its_validity() -> None:
    ended = replace(WORKER, valid_to=NOW)
    begins = replace(DEPUTY, deputy=False, valid_from=NOW)
    later = replace(LEAD, role="grid_worker", valid_from=NOW + timedelta(seconds=1))
    assert chosen(ended, begins, later).member is begins


def test_ties_go_to_lower_load_then_lower_id_in_any_row_order() -> None:
    busy = replace(WORKER, person_id=1, open_orders=3)
    free = replace(WORKER, person_id=9, open_orders=1)
    free_too = replace(WORKER, person_id=5, open_orders=1)
    for order in itertools.permutations((busy, free, free_too)):
        assert chosen(*order).member is free_too


def test_whoever_sent_it_back_is_not_asked_again() -> None:
    answer = next_in_line(TEAM, PATH, ("grid_worker",), NOW, exclude={10})
    assert isinstance(answer, Assignment)
    assert answer.member is DEPUTY


def test_unrouted_says_why() -> None:
    def reason(*team: TeamMember, path: dict[str, str] = PATH) -> str:
        answer = next_in_line(team, path, ("grid_worker",), NOW)
        assert isinstance(answer, Unrouted)
        assert answer.reason.text_zh
        assert answer.reason.text_en
        return answer.reason.code

    elsewhere = replace(WORKER, area_code="341102001001004")
    assert reason() == "no-team"
    assert reason(elsewhere) == "no-team"
    assert reason(replace(WORKER, role="elder")) == "no-suitable-role"
    assert reason(replace(WORKER, absent=True)) == "everybody-absent"
    assert reason(WORKER, path={"city": "341100"}) == "no-team"


def test_caller_bugs_are_loud() -> None:
    with pytest.raises(ValueError, match="boss"):
        next_in_line(TEAM, PATH, ("boss",), NOW)
    with pytest.raises(ValueError, match="offset"):
        next_in_line(TEAM, PATH, (), NOW.replace(tzinfo=None))


def test_the_team_is_one_plus_five_plus_n() -> None:
    shares = [role.share for role in ROLES.values()]
    assert shares.count("1") == 1
    assert shares.count("5") == 5
    assert all(role.title_zh and role.title_en for role in ROLES.values())
