"""Address texts: folding, numerals, spans, and places that do not depend on the order of rows."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from gis.matching.address import AddressIndex
from gis.matching.address_parse import parse
from gis.matching.address_text import LONGEST, fold, in_words, numeral
from gis.matching.address_tokens import tokens
from tests import small_gazetteer as small

WORDS = (
    "滁州市", "琅琊区", "琅琊街道", "北门社区", "琅琊路", "会峰路", "清流路", "9号", "18号",
    "三十一号",
    "锦绣花园", "3幢", "二单元", "501室", "大庙", "5号", "第一人民医院", "对面", "东侧", "50米",
    "附近",
    "，", " ", "新", "村", "路", "号", "与", "路口", "A座", "12-1号", "1*号", "號", "３", "郎牙路",
)  # fmt: skip
ADDRESSES = st.lists(st.sampled_from(WORDS), max_size=9).map("".join)
ANY = st.text(max_size=60) | ADDRESSES
INDEX = small.index()


@given(ANY)
def test_folding_twice_is_folding_once(text: str) -> None:
    once = fold(text).text
    assert fold(once).text == once


@given(ANY)
def test_folded_characters_know_where_they_came_from(text: str) -> None:
    folded = fold(text)
    assert len(folded.origin) == len(folded.text) + 1
    assert list(folded.origin) == sorted(folded.origin)
    assert all(0 <= k <= len(text) for k in folded.origin)


@given(st.integers(0, 9_999))
def test_numerals_there_and_back(number: int) -> None:
    assert numeral(in_words(number)) == number
    assert fold(f"琅琊路{in_words(number)}号").text == f"琅琊路{number}号"


@settings(deadline=None)
@given(ANY)
def test_parts_do_not_overlap_and_lie_in_the_text(text: str) -> None:
    end = 0
    for part in parse(text):
        assert end <= part.start < part.end <= len(text)
        assert text[part.start : part.end] == part.text
        end = part.end


@settings(deadline=None)
@given(ADDRESSES)
def test_parts_cover_all_but_spaces_and_punctuation(text: str) -> None:
    covered = {k for part in parse(text) for k in range(part.start, part.end)}
    assert all(not text[k].isalnum() for k in range(min(len(text), LONGEST)) if k not in covered)


@given(ANY)
def test_tokens_do_not_overlap(text: str) -> None:
    end = 0
    for token in tokens(fold(text).text):
        assert end <= token.start < token.end
        end = token.end


@settings(max_examples=60, deadline=None)
@given(ANY, st.randoms(use_true_random=False))
def test_places_do_not_depend_on_the_order_of_rows(text: str, chance: random.Random) -> None:
    rows = list(small.ROWS)
    chance.shuffle(rows)
    shuffled = AddressIndex.build(
        tuple(chance.sample(small.AREAS, len(small.AREAS))), small.entries(rows), small.roads()
    )
    assert told(shuffled, text) == told(INDEX, text)


def told(index: AddressIndex, text: str) -> list[tuple[object, ...]]:
    """What a search says, without geometry: that compares by identity of its vertices' order."""
    return [
        (p.level, p.name, p.lon, p.lat, p.uncertainty_m, p.area_code, p.entry_id, p.probability)
        for p in index.places(text)
    ]


@settings(deadline=None)
@given(ANY)
def test_probabilities_leave_room_and_descend(text: str) -> None:
    places = INDEX.places(text)
    assert sum(place.probability for place in places) < 1
    assert [p.probability for p in places] == sorted((p.probability for p in places), reverse=True)


@settings(deadline=None)
@given(ADDRESSES)
def test_traditional_characters_mean_the_same(text: str) -> None:
    plain, old = "区号东门锦绣园医庙乡会单楼与", "區號東門錦繡園醫廟鄉會單樓與"
    pairs = dict(zip(plain, old, strict=True))
    traditional = "".join(pairs.get(character, character) for character in text)
    assert told(INDEX, traditional) == told(INDEX, text)
