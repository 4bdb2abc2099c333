import csv
from pathlib import Path

import pytest

from gridmgmt.adapters.spelling import pinyin_of
from gridmgmt.domain.pattern import CategoryKey
from gridmgmt.domain.taxonomy import parse_categories
from gridmgmt.domain.wording import Wording, parse_phrases, parse_spellings, parse_synonyms
from gridmgmt.errors import InvalidInput

CATALOGUE = Path(__file__).resolve().parents[2] / "data" / "catalogue"
REFUSE = CategoryKey.parse("GB/T 47678.5-2026:matter:06010")
STREET = "120116005"


def rows(name: str) -> list[dict[str, str]]:
    with (CATALOGUE / name).open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def phrase(category: str, no: int, text: str, street: str = "") -> dict[str, str]:
    return {
        "subdistrict_code": street, "category": category, "no": str(no), "text": text, "text_en": "",
        "source": "t",
    }  # fmt: skip


def test_the_catalogues_words_and_phrases_name_classes_that_exist() -> None:
    classes = parse_categories(rows("gbt_47678_5_2026.csv") + rows("local_tj_demo.csv"))
    words = parse_synonyms(rows("category_synonyms_demo.csv"))
    phrases = parse_phrases(rows("category_phrases_demo.csv"))
    for one in [*words, *phrases]:
        assert any(one.pattern.matches(c.key) for c in classes), str(one.pattern)


def test_every_class_and_phrase_has_an_english_name() -> None:
    classes = parse_categories(rows("gbt_47678_5_2026.csv") + rows("local_tj_demo.csv"))
    assert [c.code for c in classes if not c.name_en or not c.major_name_en] == []
    assert [p.text for p in parse_phrases(rows("category_phrases_demo.csv")) if not p.text_en] == []


def test_phrases_of_the_narrowest_pattern_come_first_and_general_ones_apart() -> None:
    given = parse_phrases([phrase("*", 1, "全部"), phrase("06*", 1, "大类"), phrase("06010", 1, "小类")])
    wording = Wording(phrases=given)
    assert [p.text for p in wording.phrases_for(REFUSE)] == ["小类", "大类"]
    assert [p.text for p in wording.general_phrases()] == ["全部"]


def test_a_streets_own_phrases_come_in_place_of_everybodys_for_that_pattern_alone() -> None:
    given = [phrase("06010", 1, "共用"), phrase("06*", 1, "大类"), phrase("06010", 1, "本街道", STREET)]
    assert [p.text for p in Wording(phrases=parse_phrases(given)).phrases_for(REFUSE)] == ["本街道", "大类"]


def test_a_word_is_found_with_its_spelling() -> None:
    words = parse_synonyms([{"category": "06010", "word": "垃圾", "source": "t"}])
    wording = Wording(words, spellings={"垃圾": "la ji"})
    assert [(w, wording.spelling_of(w)) for w in wording.words_for(REFUSE)] == [("垃圾", "la ji")]
    assert wording.spelling_of("没有") == ""


@pytest.mark.parametrize(
    ("parse", "faulty", "column"),
    [
        (parse_synonyms, [{"category": "06010", "word": "长" * 21, "source": "t"}], "word"),
        (parse_synonyms, [{"category": "06010", "word": "垃圾", "source": "t"}] * 2, "word"),
        (parse_phrases, [phrase("06010", 1, "长" * 61)], "text"),
        (parse_phrases, [phrase("06010", 1, "一"), phrase("06010", 1, "二")], "no"),
        (parse_spellings, [{"text": "垃圾", "pinyin": "La Ji"}], "pinyin"),
        (parse_spellings, [{"text": "绿", "pinyin": "lü"}], "pinyin"),
    ],
)
def test_a_faulty_row_is_refused_with_its_column(parse, faulty, column: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse(faulty)
    assert {fault["column"] for fault in caught.value.facts["faults"]} == {column}


@pytest.mark.parametrize(
    ("text", "pinyin"),
    [
        ("暴露垃圾", "bao lu la ji"),
        ("行道树", "xing dao shu"),
        ("绿地脏乱", "lv di zang luan"),
        ("沙（河）滩不洁", "sha he tan bu jie"),
        ("监控电子眼设施", "jian kong dian zi yan she shi"),
        ("SOS报警点", "s o s bao jing dian"),
    ],
)
def test_pinyin_is_read_by_words_in_plain_letters(text: str, pinyin: str) -> None:
    assert pinyin_of(text) == pinyin
