"""Addresses as people write and say them -> places of a small gazetteer."""

from __future__ import annotations

import math

import pytest

from gis.matching.address import AddressIndex, Place
from gis.matching.address_names import base_of
from gis.matching.address_parse import parse
from gis.matching.address_rows import Entries, RoadLines
from tests import small_gazetteer as small


@pytest.fixture(scope="module")
def city() -> AddressIndex:
    """The small city's index."""
    return small.index()


def away_m(place: Place, east_m: float, north_m: float) -> float:
    """Distance of a place from metres of the small city."""
    lon, lat = small.lonlat(east_m, north_m)
    return math.hypot((place.lon - lon) * small.EAST_M, (place.lat - lat) * small.NORTH_M)


def codes(place: Place) -> list[str]:
    """The codes of a place's reasons."""
    return [reason.code for reason in place.reasons]


@pytest.mark.parametrize(
    ("text", "level", "name"),
    [
        ("安徽省滁州市琅琊区琅琊街道北门社区琅琊路9号", "door", "琅琊路9号"),
        ("琅琊路9号", "door", "琅琊路9号"),
        ("琅琊路九号", "door", "琅琊路9号"),
        ("琅琊路９號", "door", "琅琊路9号"),
        ("瑯琊路9號", "door", "琅琊路9号"),
        ("琅琊路9", "door", "琅琊路9号"),
        ("郎牙路9号", "door", "琅琊路9号"),
        ("琅琊街9号", "door", "琅琊路9号"),
        ("琅琊区琅琊路18号锦绣花园3幢", "building", "锦绣花园3幢"),
        ("琅琊路锦绣花园三栋", "building", "锦绣花园3幢"),
        ("琅琊路18号锦绣花园3号楼2单元501室", "building", "锦绣花园3幢"),
        ("琅琊路18号锦绣花园1-2-301", "building", "锦绣花园1幢2单元"),
        ("琅琊路锦绣里2幢", "building", "锦绣花园2幢"),
        ("徐岗村大庙5号", "door", "大庙5号"),
        ("徐冈大庙五号", "door", "大庙5号"),
        ("徐岗社区大庙5号", "door", "大庙5号"),
        ("市第一人民医院", "landmark", ""),
        ("一院门口", "landmark", "滁州市第一人民医院"),
        ("清流街道政务服务驿站", "landmark", "清流街道政务服务驿站"),
        ("琅琊路与清流路交叉口", "intersection", "琅琊路与清流路路口"),
        ("清流路琅琊路路口", "intersection", "清流路与琅琊路路口"),
        ("琅琊街道老北门", "community", "北门社区"),
        ("北门居委会", "community", "北门社区"),
        ("清流街道办事处", "subdistrict", "清流街道"),
        ("南谯区", "county", "南谯区"),
        ("清流路", "road", "清流路"),
    ],
)
def test_what_people_write_finds_the_place(
    city: AddressIndex, text: str, level: str, name: str
) -> None:
    best = city.places(text)[0]
    assert best.level == level
    assert best.name.endswith(name)


def test_nothing_known_gives_no_confident_place(city: AddressIndex) -> None:
    for text in ("", "  ", "昨天晚上很吵", "北京市海淀区中关村大街27号", "!!!", "12345"):
        assert sum(place.probability for place in city.places(text)) < 0.5, text


def test_probabilities_leave_a_share_for_none_of_these(city: AddressIndex) -> None:
    for text in ("琅琊路9号", "会峰路8号", "锦绣花园", "琅琊路999号", "北门"):
        total = sum(place.probability for place in city.places(text))
        assert 0 < total < 1


def test_same_name_in_two_districts_gives_both_and_says_so(city: AddressIndex) -> None:
    first, second = city.places("会峰路8号")[:2]
    assert first.probability == pytest.approx(second.probability)
    assert {first.area_code, second.area_code} == {"341102002001", "341103001001"}
    assert "address-ambiguous" in codes(first)


def test_road_is_told_with_the_areas_that_all_of_it_lies_in(city: AddressIndex) -> None:
    assert city.places("琅琊路")[0].name == "琅琊区琅琊街道琅琊路"


def test_all_places_of_a_common_name_are_told() -> None:
    rows = [
        small.Row("compound", "341102001001", 300.0 * k, 0.0, name="阳光小区", compound="阳光小区")
        for k in range(40)
    ]
    entries = small.entries(small.ROWS[:1] * 40)
    entries.kind, entries.compound = ["compound"] * 40, ["阳光小区"] * 40
    entries.road = entries.house_number = [None] * 40
    entries.lon[:] = [small.lonlat(row.east_m, row.north_m)[0] for row in rows]
    places = AddressIndex.build(small.AREAS, entries, RoadLines()).places("阳光小区")
    assert len(places) == 40
    assert places[0].probability == pytest.approx(places[-1].probability)


def test_the_text_decides_between_places_of_one_name(city: AddressIndex) -> None:
    best = city.places("南谯区会峰路8号")[0]
    assert best.area_code == "341103001001"
    assert best.probability > 0.9


def test_nearness_decides_between_places_of_one_name(city: AddressIndex) -> None:
    best = city.places("会峰路8号", near=small.lonlat(0, -4_800))[0]
    assert best.area_code == "341103001001"
    assert best.probability > 0.9


def test_unlisted_number_is_placed_between_its_neighbours_on_its_side(city: AddressIndex) -> None:
    odd, even = city.places("琅琊路31号")[0], city.places("琅琊路30号")[0]
    assert away_m(odd, 31 * 11.0, 10.0) < 1.0
    assert away_m(even, 30 * 11.0, -10.0) < 1.0
    assert "address-number-worked-out" in codes(odd)
    assert odd.uncertainty_m > 15


def test_number_beyond_the_last_known_is_placed_with_less_certainty(city: AddressIndex) -> None:
    beyond, between = city.places("琅琊路85号")[0], city.places("琅琊路31号")[0]
    assert beyond.level == "door"
    assert beyond.uncertainty_m > between.uncertainty_m


def test_number_far_beyond_is_only_the_road(city: AddressIndex) -> None:
    best = city.places("琅琊路2500号")[0]
    assert best.level == "road"
    assert best.outline.geom_type in ("LineString", "MultiLineString")
    assert "address-part-unknown" in codes(best)


def test_number_on_a_road_through_two_communities_has_the_community_of_its_own_point(
    city: AddressIndex,
) -> None:
    assert city.places("琅琊路41号")[0].area_code == "341102001001"
    assert city.places("琅琊路61号")[0].area_code == "341102001002"


def test_place_in_another_area_than_the_address_says_is_told(city: AddressIndex) -> None:
    places = city.places("鼓楼社区琅琊路9号")
    door = next(place for place in places if place.name.endswith("琅琊路9号"))
    area = next(place for place in places if place.level == "community")
    assert "address-area-contradicts" in codes(door)
    assert "address-part-unknown" in codes(area)
    assert area.area_code == "341102001002"
    assert door.probability < 0.7 < city.places("北门社区琅琊路9号")[0].probability


@pytest.mark.parametrize("text", ["琅琊路9号东北13.76米", "琅琊路9号往东北方向13.76米"])
def test_a_distance_is_never_a_house_number(city: AddressIndex, text: str) -> None:
    best = city.places(text)[0]
    assert best.name.endswith("琅琊路9号")
    assert away_m(best, 9 * 11.0 + 13.76 * 0.7071, 10 + 13.76 * 0.7071) < 1.0
    assert "address-relative" in codes(best)


def test_distance_straight_after_a_road_is_no_number(city: AddressIndex) -> None:
    assert city.places("琅琊路13.76米")[0].level == "road"
    assert city.places("琅琊路50米处")[0].level == "road"


def test_words_of_position_widen_the_uncertainty(city: AddressIndex) -> None:
    plain, around = city.places("琅琊路9号")[0], city.places("琅琊路9号对面")[0]
    assert (around.lon, around.lat) == (plain.lon, plain.lat)
    assert around.uncertainty_m > plain.uncertainty_m


def test_unknown_building_gives_the_compound_and_says_so(city: AddressIndex) -> None:
    best = city.places("琅琊区锦绣花园88幢")[0]
    assert best.level == "compound"
    assert best.outline.geom_type == "Polygon"
    assert "address-part-unknown" in codes(best)


def test_what_was_heard_wrong_is_told(city: AddressIndex) -> None:
    best = city.places("郎牙路9号")[0]
    told = next(reason for reason in best.reasons if reason.code == "address-heard-as")
    assert told.facts == {"said": "郎牙路", "meant": "琅琊路"}


@pytest.mark.parametrize(
    ("text", "name", "wrong", "meant"),
    [
        ("琅琊区琅玻路9号", "琅琊路9号", "琅玻路", "琅琊路"),
        ("琅琊街道棉绣花园3幢", "锦绣花园3幢", "棉绣花园", "锦绣花园"),
        (
            "清流街道政务服备驿站",
            "清流街道政务服务驿站",
            "清流街道政务服备驿站",
            "清流街道政务服务驿站",
        ),
    ],
)
def test_one_mistyped_character_is_understood_and_told(
    city: AddressIndex, text: str, name: str, wrong: str, meant: str
) -> None:
    finer = [p for p in city.places(text) if p.level not in ("county", "subdistrict")]
    place = finer[0]
    assert place.name.endswith(name)
    assert 0.2 < place.probability < 0.9, "likely enough to be shown, never to route by itself"
    (told,) = [r for r in place.reasons if r.code == "address-written-as"]
    assert wrong in told.text_zh
    assert meant in told.text_zh


def test_what_is_understood_as_it_stands_is_never_taken_for_a_slip(city: AddressIndex) -> None:
    for text in ("琅琊路9号", "清流路", "北门社区", "琅琊区"):
        assert "address-written-as" not in codes(city.places(text)[0])
    # two wrong characters, or a number, are no slip
    for text in ("琅琊区棉锈花圆3幢", "琅琊区1玻路"):
        assert city.places(text)[0].level == "county"


def test_order_of_the_parts_does_not_matter(city: AddressIndex) -> None:
    best = city.places("3幢锦绣花园，琅琊路18号，琅琊区")[0]
    assert best.name.endswith("锦绣花园") or best.name.endswith("锦绣花园3幢")
    assert best.area_code == "341102001001"


def test_masked_number_gives_the_road_not_a_door(city: AddressIndex) -> None:
    assert city.places("琅琊路*号")[0].level == "road"


@pytest.mark.parametrize(
    ("text", "road"),
    [
        ("滁州琅琊西路8号", "琅琊西路"),
        ("杭州萧山北路3号", "萧山北路"),
        ("滁州市琅琊区西路8号", "西路"),
        ("滁州全椒县中路", "中路"),
    ],
)
def test_a_direction_is_a_road_of_its_own_only_after_a_full_name(text: str, road: str) -> None:
    assert [part.text for part in parse(text) if part.label == "road"] == [road]


def test_base_keeps_two_characters() -> None:
    assert base_of("road", "大路") == ("大路", "")


def test_empty_gazetteer_knows_areas_only() -> None:
    index = AddressIndex.build(small.AREAS, small.entries(()), RoadLines())
    assert index.places("琅琊区北门社区琅琊路9号")[0].area_code == "341102001001"
    assert index.places("别处") == ()


def test_numbers_without_a_road_line_still_make_a_street() -> None:
    rows: Entries = small.entries()
    index = AddressIndex.build(small.AREAS, rows, RoadLines())
    assert index.places("琅琊路9号")[0].level == "door"
    assert index.places("琅琊区琅琊路31号")[0].level == "door"


def test_nothing_at_all_gives_nothing() -> None:
    index = AddressIndex.build((), small.entries(()), RoadLines())
    assert index.places("琅琊路9号") == ()
