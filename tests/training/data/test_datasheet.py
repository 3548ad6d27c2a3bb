"""The datasheet in the repository says what the manifests, the lists and the shipped model's card say."""

from training.data.datasheet import UNLABELLED, VISIBLE, write_datasheet
from training.data.sets import open_set, source_names
from training.places import REPOSITORY


def test_the_datasheet_is_what_would_be_written_now():
    written = (REPOSITORY / "datasets" / "DATASHEET.md").read_text(encoding="utf-8")

    assert write_datasheet() == written, "run: pointwatch data datasheet --out datasets/DATASHEET.md"


def test_every_source_says_who_is_visible_and_what_is_not_labelled():
    assert source_names() == sorted(VISIBLE) == sorted(UNLABELLED)


def test_every_source_has_terms():
    for name in source_names():
        one = open_set(name, REPOSITORY)

        assert one.licence
        assert one.attribution
