"""The labelling page made from the catalogue, and the links to pictures."""

import time
import uuid
from xml.etree import ElementTree as ET

import pytest

from api import links as pictures
from api.errors import Forbidden
from api.links import PATH, Links
from api.review.config import code_of, label_config, labels
from detector import Detector
from detector.taxonomy import Taxonomy


def test_there_is_a_label_for_each_class_of_the_model_and_for_what_only_people_see(
    taxonomy: Taxonomy, detector: Detector
) -> None:
    made = labels(taxonomy, detector.card)
    codes = [one.code for one in made]

    assert [one.name for one in detector.card.classes] == codes[: len(detector.card.classes)]
    assert {"goods_outside", "illegal_parking", "hanging_laundry"} <= set(codes)
    assert len(codes) == len(set(codes))
    assert all(code_of(one.text) == one.code for one in made)


def test_the_page_is_xml_whose_keys_and_labels_are_each_there_once(taxonomy: Taxonomy, detector: Detector) -> None:
    page = ET.fromstring(label_config(taxonomy, detector.card))
    shown = page.findall(".//Label")
    keys = [one.get("hotkey") for one in shown if one.get("hotkey")]

    assert len(labels(taxonomy, detector.card)) == len(shown)
    assert len(keys) == len(set(keys)) == min(30, len(shown))
    assert "暴露垃圾 · exposed_garbage" in [one.get("value") for one in shown]


def test_a_link_opens_its_own_picture_and_only_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    links, capture = Links("secret"), uuid.uuid4()
    address = links.make("https://street.example/", capture)
    name = address.rpartition("/")[2]

    assert address.startswith(f"https://street.example{PATH}")
    assert capture == links.read(name)
    assert links.is_of(address, capture)
    assert not links.is_of(address, uuid.uuid4())
    assert not links.is_of(None, capture)
    later = time.time() + pictures.LIFE.total_seconds() + 5
    monkeypatch.setattr(time, "time", lambda: later)
    with pytest.raises(Forbidden, match="run out"):
        links.read(name)
    assert links.is_of(address, capture)


@pytest.mark.parametrize("name", ["", ".jpg", "abc.jpg", f"{uuid.UUID(int=7).hex}.x.y.jpg", "..jpg", "名.jpg"])
def test_a_forged_link_opens_nothing(name: str) -> None:
    with pytest.raises(Forbidden):
        Links("secret").read(name)
    with pytest.raises(Forbidden):
        Links("secret").read(Links("another").make("https://x", uuid.uuid4()).rpartition("/")[2])
