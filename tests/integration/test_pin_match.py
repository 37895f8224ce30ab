"""The short way of a pin gives what the full path gives, byte for byte, and knows its limits."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gis import clock
from gis.errors import GovernanceError, Language
from gis.governance.actors import SYSTEM
from gis.services import matching
from gis.services.gazetteer import inform
from gis.services.lookup import Boundaries
from gis.services.match_request import Location, MatchRequest
from gis.services.pin_match import Pin, PinMatcher, PinMatchers, PinRequest
from gis.services.pin_text import Pieces, Said, clear_text, encode, many_clear, words
from gis.services.roster import Roster, Rosters
from gis.store import tables
from gis.store.unit_of_work import Database

THRESHOLD = 0.9
LANGUAGES: tuple[Language, ...] = ("zh", "en")
unhurried = settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


class Paths(NamedTuple):
    """Both ways on one demo city."""

    database: Database
    boundaries: Boundaries
    rosters: Rosters

    def matcher(self) -> PinMatcher:
        return PinMatcher(self.boundaries.refresh(), self.rosters.refresh(), THRESHOLD)

    def slow(self, request: PinRequest, now: datetime, language: Language = "zh") -> bytes:
        return encode(
            matching.answer(
                self.database,
                self.boundaries,
                SYSTEM,
                request.whole(),
                now=now,
                threshold=THRESHOLD,
                language=language,
            )
        )


@pytest.fixture(scope="module")
def paths(demo_city: Database) -> Paths:
    return Paths(demo_city, Boundaries(demo_city), Rosters(demo_city))


@pytest.fixture(scope="module")
def matcher(paths: Paths) -> PinMatcher:
    return paths.matcher()


@pytest.fixture(scope="module")
def places(demo_city: Database) -> list[tuple[float, float]]:
    """Buildings, vertices of grids and places far outside."""
    with demo_city.reading(SYSTEM) as work:
        rows = work.rows(
            sa.text(
                "(select ST_X(geometry) x, ST_Y(geometry) y from buildings order by id limit 300) "
                "union all (select ST_X(d.geom), ST_Y(d.geom) from (select (ST_DumpPoints("
                "geometry)).geom from area_versions where level = 'grid' order by area_code "
                "limit 300) d)"
            )
        )
    return [(row["x"], row["y"]) for row in rows] + [(118.0, 35.0), (0.0, 0.0), (-1.0, 70.0)]


@pytest.fixture(scope="module")
def category_keys(demo_city: Database) -> list[str]:
    with demo_city.reading(SYSTEM) as work:
        return [row["key"] for row in work.rows(sa.select(tables.categories.c.key))]


def outcome(ask: Any) -> object:  # noqa: ANN401
    try:
        return ask()
    except GovernanceError as error:
        return error.code, error.facts


requests = st.fixed_dictionaries(
    {
        "place": st.integers(0, 600),
        "east": st.sampled_from([0.0, 1e-7, 1e-4, 3e-3]),
        "crs": st.sampled_from(["WGS84", "WGS84", "gcj02", "BD-09", "CGCS2000", "EPSG:4490", "x"]),
        "accuracy": st.one_of(
            st.none(), st.sampled_from([0.0, 1e-4, 5.0, 20.0, 1e5]), st.floats(0.0, 400.0)
        ),
        "category": st.integers(-40, 200),
        "language": st.sampled_from(["zh", "en"]),
    }
)


@unhurried
@given(requests)
def test_both_ways_answer_the_same_bytes(
    paths: Paths,
    matcher: PinMatcher,
    places: list[tuple[float, float]],
    category_keys: list[str],
    asked: dict[str, Any],
) -> None:
    lon, lat = places[asked["place"] % len(places)]
    number = asked["category"]
    category = None if number < 0 else category_keys[number % len(category_keys)]
    pin = Pin(lon + asked["east"], lat, asked["crs"], asked["accuracy"])
    request, now = PinRequest(pin, category=category), clock.now()
    expected = outcome(lambda: paths.slow(request, now, asked["language"]))
    assert outcome(lambda: matcher.answer(request, now, asked["language"])) == expected
    (many,) = matcher.answers([request], now, asked["language"])
    if isinstance(many, GovernanceError):
        assert (many.code, many.facts) == expected
    else:
        assert many == expected


def test_most_pins_take_the_template_and_the_others_are_answered_too(
    matcher: PinMatcher, places: list[tuple[float, float]], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = [PinRequest(Pin(lon, lat, "WGS84", 15.0)) for lon, lat in places[:300]]
    alone, answer = [], PinMatcher.answer

    def counted(
        self: PinMatcher, request: PinRequest, now: datetime, language: Language
    ) -> bytes | None:
        alone.append(request)
        return answer(self, request, now, language)

    monkeypatch.setattr(PinMatcher, "answer", counted)
    found = matcher.answers(asked, clock.now(), "zh")
    assert len(alone) < 50
    assert not any(one is None for one in found)


@pytest.fixture
def own_paths(own_demo_city: Database) -> Paths:
    return Paths(own_demo_city, Boundaries(own_demo_city), Rosters(own_demo_city))


def worker_of(paths: Paths, lon: float, lat: float) -> tuple[PinRequest, dict[str, Any]]:
    request = PinRequest(Pin(lon, lat))
    return request, matching.answer(
        paths.database, paths.boundaries, SYSTEM, request.whole(), now=clock.now(),
        threshold=THRESHOLD, language="zh",
    )  # fmt: skip


def test_changes_of_the_roster_are_heard_of_by_its_stamp(own_paths: Paths) -> None:
    paths = own_paths
    with paths.database.reading(SYSTEM) as work:
        place = work.rows(
            sa.text("select ST_X(geometry) x, ST_Y(geometry) y from buildings order by id limit 1")
        )[0]
    request, before = worker_of(paths, place["x"], place["y"])
    roster = paths.rosters.refresh()
    assert paths.rosters.refresh() is roster  # nothing changed: nothing is read
    name = before["responsible"]["person"]["name"]
    changes = (
        "update persons set name = '新名字' where name = :name",
        (
            "insert into absences (person_id, during) select id, tstzrange(now() - interval '1 h', "
            "now() + interval '1 h') from persons where name = '新名字'"
        ),
        "update duties set valid = tstzrange(lower(valid), now()) where role = 'grid_worker'",
        "delete from absences",
        "update units set name = name || '!'",
        "update categories set title_zh = title_zh || '!'",
    )
    seen = {before["responsible"]["person"]["name"]}
    for change in changes:
        with paths.database.transaction(SYSTEM) as work:
            work.execute(sa.text(change), **({"name": name} if ":name" in change else {}))
        changed = paths.rosters.refresh()
        assert changed is not roster, change
        roster = changed
        now = clock.now()
        slow = paths.slow(request, now)
        assert paths.matcher().answer(request, now, "zh") == slow, change
        seen.add(slow.decode().partition('"person":')[2])
    assert len(seen) == 3  # the worker, under another name, and the lead who stands in


def test_a_duty_that_ends_is_over_without_a_reload(own_paths: Paths) -> None:
    paths = own_paths
    with paths.database.transaction(SYSTEM) as work:
        work.execute(
            sa.text(
                "update duties set valid = tstzrange(lower(valid), now() + interval '1 hour') "
                "where role = 'grid_worker'"
            )
        )
        place = work.rows(
            sa.text("select ST_X(geometry) x, ST_Y(geometry) y from buildings order by id limit 1")
        )[0]
    request, matcher = PinRequest(Pin(place["x"], place["y"])), paths.matcher()
    for later in (timedelta(0), timedelta(hours=2), timedelta(0)):
        now = clock.now() + later
        assert matcher.answer(request, now, "en") == paths.slow(request, now, "en")


def test_a_tie_that_the_load_decides_is_left_to_the_database(own_paths: Paths) -> None:
    paths = own_paths
    with paths.database.transaction(SYSTEM) as work:
        work.execute(
            sa.text(
                "insert into duties (person_id, role, area_code, deputy, valid) select "
                "(select max(id) from persons), role, area_code, deputy, valid from duties "
                "where role = 'grid_worker' and not deputy and person_id <> "
                "(select max(id) from persons)"
            )
        )
        place = work.rows(
            sa.text("select ST_X(geometry) x, ST_Y(geometry) y from buildings order by id limit 1")
        )[0]
    request = PinRequest(Pin(place["x"], place["y"]))
    assert paths.matcher().answer(request, clock.now(), "zh") is None
    assert b'"responsible":{' in paths.slow(request, clock.now())


def test_a_final_ruling_is_left_to_the_database(own_paths: Paths) -> None:
    paths = own_paths
    with paths.database.transaction(SYSTEM) as work:
        place = work.rows(
            sa.text("select ST_X(geometry) x, ST_Y(geometry) y from buildings order by id limit 1")
        )[0]
        work.execute(
            sa.text(
                "insert into duty_rulings (area_code, ground, unit_code, person_id, reason, "
                "created_by, expires_at) select a.code, 'not-ours', p.unit_code, p.id, '终审', "
                "'test', now() + interval '1 hour' from areas a, persons p "
                "where a.level = 'city' and p.unit_code is not null order by p.id limit 1"
            )
        )
    request, now = PinRequest(Pin(place["x"], place["y"])), clock.now()
    ruled = paths.slow(request, now)
    assert ruled != paths.slow(request, now + timedelta(hours=2))
    assert paths.matcher().answer(request, now, "zh") in (None, ruled)
    assert paths.matcher().answer(request, now + timedelta(hours=2), "zh") == paths.slow(
        request, now + timedelta(hours=2)
    )


def test_an_owner_near_the_pin_is_asked_for_in_the_database(own_paths: Paths) -> None:
    paths = own_paths
    with paths.database.transaction(SYSTEM) as work:
        near, far = work.rows(
            sa.text("select ST_X(geometry) x, ST_Y(geometry) y from buildings order by id limit 2")
        )
        work.execute(
            sa.text(
                "insert into owned_assets (code, name, kind, owner_unit, categories, geometry) "
                "select 'L1', '路灯', 'lamp', p.unit_code, '{event-exposed-rubbish}', "
                "ST_SetSRID(ST_MakePoint(:x, :y), 4326) from persons p join duties d "
                "on d.person_id = p.id where p.unit_code is not null order by p.id desc limit 1"
            ),
            **near,
        )
    now = clock.now()
    answers = []
    for place in (near, far):
        request = PinRequest(Pin(place["x"], place["y"]), category="event-exposed-rubbish")
        slow = paths.slow(request, now)
        answer = paths.matcher().answer(request, now, "zh")
        assert answer in (None, slow)
        assert paths.matcher().answers([request], now, "zh")[0] in (None, slow, slow.decode())
        answers.append(answer)
    assert answers[0] is None
    assert answers[1] is not None


def test_an_exception_that_covers_the_pin_decides_on_the_short_way_too(own_paths: Paths) -> None:
    paths = own_paths
    with paths.database.transaction(SYSTEM) as work:
        place = work.rows(
            sa.text("select ST_X(geometry) x, ST_Y(geometry) y from buildings order by id limit 1")
        )[0]
        work.execute(
            sa.text(
                "insert into boundary_exceptions (geometry, area_code, reason, created_by, "
                "created_at, expires_at) select ST_Multi(ST_Buffer(ST_SetSRID(ST_MakePoint(:x, :y),"
                " 4326), 0.001)), (select max(area_code) from area_versions where level = 'grid'), "
                "'界河', 'test', now() - interval '1 hour', now() + interval '1 hour'"
            ),
            **place,
        )
    request, now = PinRequest(Pin(place["x"], place["y"], accuracy_m=10.0)), clock.now()
    answer = paths.matcher().answer(request, now, "zh")
    assert answer == paths.slow(request, now)
    assert b"boundary-exception" in answer


def test_what_is_old_is_not_answered_from_memory(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    matchers = PinMatchers(paths.boundaries, paths.rosters, THRESHOLD)
    then = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: then)  # a busy machine may take seconds
    paths.boundaries.refresh()
    paths.rosters.refresh()
    held = matchers.current()
    assert held is not None
    assert matchers.current() is held
    monkeypatch.setattr(time, "monotonic", lambda: then + 3.0)
    assert matchers.current() is None


def test_unknown_categories_are_left_to_the_full_path(
    matcher: PinMatcher, places: list[tuple[float, float]]
) -> None:
    request = PinRequest(Pin(*places[0]), category="none-such")
    assert matcher.answer(request, clock.now(), "zh") is None
    assert matcher.answers([request], clock.now(), "zh") == [None]


def test_team_in_memory_is_the_team_of_the_database(paths: Paths, demo_city: Database) -> None:
    from gis.store import duty

    roster: Roster = paths.rosters.refresh()
    now = clock.now()
    with demo_city.reading(SYSTEM) as work:
        codes = [
            row["area_code"] for row in work.rows(sa.text("select distinct area_code from duties"))
        ]
        rows = duty.team_of(work, codes, now)
    ours = roster.team_of(codes, now)
    assert [(m.person_id, m.role, m.area_code, m.deputy, m.absent, m.unit_code) for m in ours] == [
        (r["person_id"], r["role"], r["area_code"], r["deputy"], r["absent"], r["unit_code"])
        for r in rows
    ]


def test_addresses_are_answered_from_memory_as_by_the_database(
    demo_city: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    boundaries, rosters = Boundaries(demo_city), Rosters(demo_city)
    inform(demo_city, boundaries, 0.995)
    matchers = PinMatchers(boundaries, rosters, THRESHOLD)
    then = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: then)  # a busy machine may take seconds
    boundaries.refresh()
    rosters.refresh()
    with demo_city.reading(SYSTEM) as work:
        rows = work.rows(
            sa.text(
                "select address, source, category, raw_location from events "
                "where address is not null order by number limit 40"
            )
        )
    now, told = clock.now(), 0
    for row in rows:
        sent = row["raw_location"]
        request = MatchRequest(
            location=None if sent is None else Location.from_json(sent),
            address=row["address"],
            category=row["category"],
            source=row["source"],
        )
        slow = encode(
            matching.answer(
                demo_city, boundaries, SYSTEM, request, now=now, threshold=THRESHOLD, language="en"
            )
        )
        answer = matchers.whole(request, now, "en")
        assert answer in (None, slow)
        told += answer is not None
    assert told > 30
    assert matchers.whole(replace(request, at=now), now, "en") is None
    assert matchers.whole(replace(request, category="none-such"), now, "en") is None
    boundaries.forget_learned()
    assert matchers.whole(request, now, "en") is None, "what was learned must be read again"


def test_many_answers_are_written_like_one() -> None:
    random = np.random.default_rng(7)
    voice = {
        area: Said(f'{{"head{area}":', f'"名{area}",', f"在{area}", f'{{"{area}":', f"}}{area}")
        for area in range(5)
    }
    voice[3] = voice[3]._replace(head="long" * 100_000)  # of no pin, before the next in memory
    voice[4] = voice[4]._replace(tail=None)
    edges = [0.0, 1e-9, 5e-10, 4.9e-10, 1e-5, 9.999e-6, 1e-6, 1.2345e-5, 0.0005, 9.95, 9.949999999]
    edges += [0.5, 1.0, 0.99, 0.990000001, 0.9995, 1.5, 2.5, 0.25, 1e6, 118.0000000005, 9.95000001]

    def numbers(most: float, size: int) -> np.ndarray:
        plain = random.uniform(0, most, size)
        small = plain * 10.0 ** random.integers(-12, 1, size)
        short = plain.round(3)
        chosen = random.integers(0, 4, size)
        return np.choose(chosen, [plain, small, short, random.choice(edges, size)])

    pins, most_rows = 4000, 4
    rows, starts, places = [], [0], np.empty((pins, 3))
    for pin in range(pins):
        candidates = int(random.integers(1, most_rows))
        shares, metres = numbers(1.0, candidates), numbers(500.0, candidates)
        areas = random.choice([0, 1, 2, 4], candidates, p=[0.33, 0.33, 0.32, 0.02])
        rows.append([candidates, numbers(0.001, 1)[0], numbers(900.0, 1)[0], 1.0])
        rows += [
            [area, min(share, 1.0), far, 1.0]
            for area, share, far in zip(areas, shares, metres, strict=True)
        ]
        starts.append(len(rows))
        lon, lat = numbers(180.0, 1)[0], numbers(60.0, 1)[0]
        accuracy = random.choice([np.nan, 0.0, 15.0, *numbers(400.0, 2)])
        places[pin] = random.choice([-1, 1]) * lon, random.choice([-1, 1]) * lat, accuracy
    seen = np.array(rows), np.array(starts)
    for language in LANGUAGES:
        between = words(language)
        said = Pieces(5).of(voice, np.arange(5))
        many = many_clear(said, (*between, "注"), seen, places, np.arange(pins))
        left_out = 0
        for pin, text in enumerate(many):
            lon, lat, accuracy = places[pin].tolist()
            flat = seen[0][starts[pin] : starts[pin + 1]]
            given = (flat.ravel().tolist(), 0, len(flat))
            known = None if np.isnan(accuracy) else accuracy
            one = clear_text(voice, between, given, (lon, lat, known), "注")
            if text:
                assert text.decode() == one
            else:
                left_out += 1
        assert left_out < pins / 3, "the edges of rounding and an area without an answer, no more"


def test_pieces_that_could_not_all_be_made_are_whole_the_next_time() -> None:
    class Failing(dict[int, Said]):
        def __missing__(self, area: int) -> Said:
            raise LookupError(area)

    pieces = Pieces(2)
    voice = Failing({0: Said("head", "brief", "inside", "facts", "tail")})
    with pytest.raises(LookupError):
        pieces.of(voice, np.arange(2))
    text, spans = pieces.of(voice, np.arange(1))
    assert spans[0].max() == len(text), "compiled code reads what spans say, and checks nothing"
