"""The page on the life of an issue says what the table of transitions says."""

from docs.life import PAGE, page


def test_the_page_was_written_from_the_table_as_it_is():
    assert page() == PAGE.read_text(encoding="utf-8"), "run `python docs/life.py`"
