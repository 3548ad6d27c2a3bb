"""The catalogue: the shipped one is complete, a bad one is refused with file, line and reason."""

import re

import pytest
import yaml

from detector import Standing, TaxonomyRefused, read_taxonomy, shipped
from tests.detector.models import card, model_class

SHIPPED = shipped("datasets/taxonomy.yaml")


@pytest.fixture
def refused(tmp_path):
    """Give a function that changes the shipped file's text, reads it, and gives what the refusal says."""

    def change_and_read(old, new):
        text = SHIPPED.read_text(encoding="utf-8")
        assert old in text
        path = tmp_path / "taxonomy.yaml"
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        with pytest.raises(TaxonomyRefused) as caught:
            read_taxonomy(path)
        line = text[: text.index(old)].count("\n") + 1
        return str(caught.value), f"{path}:{line}: "

    return change_and_read


def test_the_shipped_catalogue_has_all_of_the_domain(taxonomy):
    assert 7 == len(taxonomy.kinds)
    assert 22 == len(taxonomy.classes)
    assert 16 == len(taxonomy.categories)


def test_everything_has_a_name_in_both_languages(taxonomy):
    named = [*taxonomy.departments, *taxonomy.place_categories, *taxonomy.objects, *taxonomy.kinds]

    for entry in [*named, *taxonomy.classes.values()]:
        assert re.search(r"[\u4e00-\u9fff]", entry.zh), entry.code
        assert re.search(r"[A-Za-z]", entry.en), entry.code
        assert entry.zh == entry.name() == taxonomy.name_of(entry.code) or entry.code in taxonomy.classes
        assert entry.en == entry.name("en")


def test_a_name_nobody_knows_is_shown_as_its_code(taxonomy):
    assert "moon_dust" == taxonomy.name_of("moon_dust")


def test_every_class_has_a_kind(taxonomy):
    assert "sanitation" == taxonomy.kind_of["exposed_garbage"].code
    assert set(taxonomy.classes) == set(taxonomy.kind_of)


def test_the_shipped_catalogue_fits_the_shipped_model(taxonomy, detector):
    taxonomy.check_against(detector.card)


def test_a_model_without_a_class_that_is_needed_is_named(taxonomy):
    with pytest.raises(TaxonomyRefused, match=r"overflowing_bin rests on .* does not have: overflowing_bin\. It has: "):
        taxonomy.check_against(card(classes=[model_class("exposed_garbage")]))


def test_a_class_stands_as_its_weakest_model_class_does(taxonomy):
    model = card(
        classes=[
            model_class("car"),
            model_class("bus", standing=Standing.experimental),
            model_class("truck", standing=Standing.unverified),
            model_class("pothole", standing=Standing.experimental),
        ]
    )

    assert Standing.unverified is taxonomy.standing("illegal_parking", model)
    assert Standing.experimental is taxonomy.standing("broken_pavement", model)
    assert taxonomy.standing("street_vendor", model) is None


# --- refused


def test_a_misspelt_key_is_refused(refused):
    message, where = refused("departments: [telecom,", "department: [telecom,")

    assert where in message
    assert "department: Extra inputs are not permitted" in message


def test_a_code_given_twice_is_refused(refused):
    message, where = refused("- code: dirty_road", "- code: exposed_garbage")

    assert message.startswith(where)
    assert "class 'exposed_garbage' is named twice" in message


def test_a_department_nobody_knows_is_refused(refused):
    message, where = refused("departments: [publicity]", "departments: [ministry_of_magic]")

    assert message.startswith(where)
    assert "damaged_ad is sent to 'ministry_of_magic'" in message


def test_a_limit_in_two_units_is_refused(refused):
    message, where = refused("{step: fix, hours: 4}", "{step: fix, hours: 4, days: 1}")

    assert message.startswith(where)
    assert "give exactly one of minutes, hours, days" in message


def test_a_limit_in_no_unit_is_refused(refused):
    assert "give exactly one of" in refused("{step: fix, hours: 4}", "{step: fix}")[0]


def test_thresholds_in_the_wrong_order_are_refused(refused):
    seen = "seen: {model_classes: [exposed_garbage]}"
    message, where = refused(seen, f"thresholds: {{automatic: 0.3, review: 0.5}}\n        {seen}")

    assert message.startswith(where)
    assert "review threshold 0.5 lies above automatic 0.3" in message


def test_a_name_without_its_english_is_refused(refused):
    message, where = refused(
        "{code: telecom, zh: 通信运营单位, en: Telecom operators}", "{code: telecom, zh: 通信运营单位}"
    )

    assert message.startswith(where)
    assert "departments.7.en: Field required" in message


def test_what_is_not_yaml_is_refused(refused):
    message, _ = refused("kinds:", "kinds: [")

    assert re.search(r"taxonomy\.yaml:\d+: not YAML: ", message)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "valid dictionary"),
        (b"- a list\n", "valid dictionary"),
        (b"\xff\xfe", "cannot be read"),
        (b"version: \0", "not YAML"),
        (b"version: 2026-02-31\n", "day is out of range"),
        (b"a: " + b"[" * 3000, "not YAML"),
        (b"version: '1'\nversion: '2'\n", "version is given twice"),
        (b"!!python/object/apply:os.system ['true']\n", "not YAML"),
    ],
    ids=["empty", "list", "UTF-16", "NUL", "no such day", "deep", "key twice", "code"],
)
def test_a_file_that_is_no_catalogue_is_refused(tmp_path, content, reason):
    path = tmp_path / "taxonomy.yaml"
    path.write_bytes(content)

    with pytest.raises(TaxonomyRefused, match=re.escape(reason)) as caught:
        read_taxonomy(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(TaxonomyRefused, match="cannot be read"):
        read_taxonomy(tmp_path / "gone.yaml")


def test_all_problems_are_told_at_once(tmp_path):
    data = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))
    data["kinds"][0]["classes"][0]["limits"] = []
    data["kinds"][1]["classes"][0]["departments"] = []
    path = tmp_path / "taxonomy.yaml"
    path.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")

    with pytest.raises(TaxonomyRefused) as caught:
        read_taxonomy(path)
    assert 2 == len(str(caught.value).splitlines())
