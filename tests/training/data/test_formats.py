"""Labels of four tools come in as they were drawn; what strangers send cannot lead anywhere or grow."""

import json

import pytest

from tests.training.data.conftest import picture, scene
from training.data.formats import coco, label_studio, voc, yolo
from training.data.formats.labelled import LeaveOutError, number
from training.data.formats.pictures import PictureFolder, safe_path
from training.places import TrainingError


def _corners(batch):
    return [box.corners for one in batch.pictures for box in one.boxes]


def _why(batch):
    return [one.why for one in batch.left_out]


# YOLO


@pytest.fixture
def yolo_folder(tmp_path):
    root = tmp_path / "yolo"
    picture(root / "train/images/a.jpg", 1)
    picture(root / "valid/images/b.jpg", 2)
    for name, text in (("train/labels/a.txt", "0 0.5 0.5 0.2 0.4\n"), ("valid/labels/b.txt", "")):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    (root / "data.yaml").write_text("names: [hole, tag]\n", encoding="utf-8")
    return root


def test_yolo_in_roboflows_layout(yolo_folder):
    batch = yolo.read(yolo_folder)

    assert {"a.jpg": "train", "b.jpg": "val"} == {one.name: one.part for one in batch.pictures}
    assert [pytest.approx((0.4, 0.3, 0.6, 0.7))] == _corners(batch)
    assert ["hole", "tag"] == batch.declared


def test_yolo_polygons_are_boxed(yolo_folder):
    (yolo_folder / "train/labels/a.txt").write_text("1 .1 .2 .5 .3 .4 .9\n", encoding="utf-8")

    assert [(0.1, 0.2, 0.5, 0.9)] == _corners(yolo.read(yolo_folder))


@pytest.mark.parametrize(
    "line",
    ["0 nan .5 .2 .2", "0 .5 .5 .2", "0 .5 .5 .2 .2 .9", "x .5 .5 .2 .2", "9 .5 .5 .2 .2", "-1 .5 .5 .2 .2", "\0"],
)
def test_a_yolo_picture_with_an_unsound_line_is_left_out_with_its_line(yolo_folder, line):
    (yolo_folder / "train/labels/a.txt").write_text(f"0 .5 .5 .2 .2\n{line}\n", encoding="utf-8")
    batch = yolo.read(yolo_folder)

    assert ["b.jpg"] == [one.name for one in batch.pictures]
    assert ["train/labels/a.txt:2"] == [one.where for one in batch.left_out]


def test_a_yolo_picture_without_labels_and_labels_without_a_picture_are_left_out(yolo_folder):
    (yolo_folder / "train/labels/a.txt").rename(yolo_folder / "train/labels/c.txt")

    assert ["train/images/a.jpg", "train/labels/c.txt"] == [one.where for one in yolo.read(yolo_folder).left_out]


def test_a_picture_that_is_a_link_out_of_the_folder_is_not_there(yolo_folder, tmp_path):
    outside = picture(tmp_path / "secret.jpg", 5)
    (yolo_folder / "train/images/link.jpg").symlink_to(outside)
    (yolo_folder / "train/labels/link.txt").write_text("", encoding="utf-8")

    assert "link.jpg" not in {one.name for one in yolo.read(yolo_folder).pictures}


def test_a_list_of_names_that_is_none_is_refused(yolo_folder):
    (yolo_folder / "data.yaml").write_text("names: 7\n", encoding="utf-8")

    with pytest.raises(TrainingError, match=r"data\.yaml"):
        yolo.read(yolo_folder)


# COCO


@pytest.fixture
def coco_file(tmp_path):
    """Give a factory: a COCO file beside one picture, with fields changed."""

    def write(**changed):
        picture(tmp_path / "coco/a.jpg", 1)
        content = {
            "images": [{"id": 1, "file_name": "a.jpg", "width": 96, "height": 96}],
            "annotations": [{"id": 1, "image_id": 1, "category_id": 3, "bbox": [10, 20, 30, 40]}],
            "categories": [{"id": 3, "name": "hole"}],
        } | changed
        path = tmp_path / "coco/labels.json"
        path.write_text(json.dumps(content), encoding="utf-8")
        return path

    return write


def test_coco_boxes_are_corners_in_pixels(coco_file):
    batch = coco.read(coco_file())

    assert [(10, 20, 40, 60)] == _corners(batch)
    assert (96, 96) == batch.pictures[0].size_px


@pytest.mark.parametrize(
    "name", ["../a.jpg", "/etc/passwd", "C:\\a.jpg", "..\\..\\a.jpg", "", None, 7, "a\0.jpg", "b.jpg"]
)
def test_a_coco_picture_that_leads_elsewhere_is_left_out(coco_file, name):
    batch = coco.read(coco_file(images=[{"id": 1, "file_name": name, "width": 96, "height": 96}]))

    assert ([], 1) == (batch.pictures, len(batch.left_out))


@pytest.mark.parametrize(
    "change",
    [
        {"bbox": [float("nan"), 0, 5, 5]},
        {"bbox": [0, 0, float("inf"), 5]},
        {"bbox": [0, 0, 5]},
        {"bbox": "0,0,5,5"},
        {"bbox": [True, 0, 5, 5]},
        {"bbox": [10**400, 0, 5, 5]},
        {"category_id": 9},
        {"iscrowd": 1},
    ],
)
def test_a_coco_picture_with_an_object_that_has_no_box_is_left_out(coco_file, change):
    row = {"id": 1, "image_id": 1, "category_id": 3, "bbox": [10, 20, 30, 40]}
    batch = coco.read(coco_file(annotations=[row, row | {"id": 2} | change]))

    assert [] == batch.pictures
    assert ["annotation 2" in why for why in _why(batch)] == [True]


def test_coco_pictures_of_one_id_are_both_left_out(coco_file, tmp_path):
    picture(tmp_path / "coco/b.jpg", 2)
    images = [{"id": 1, "file_name": name, "width": 96, "height": 96} for name in ("a.jpg", "b.jpg")]
    batch = coco.read(coco_file(images=images))

    assert ([], 2) == (batch.pictures, len(batch.left_out))


def test_coco_annotations_of_one_id_or_of_no_picture_are_left_out(coco_file):
    row = {"id": 1, "image_id": 1, "category_id": 3, "bbox": [10, 20, 30, 40]}
    batch = coco.read(coco_file(annotations=[row, row, row | {"id": 3, "image_id": 8}]))

    assert 1 == len(_corners(batch))
    assert 2 == len(batch.left_out)


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"images": 3}', "[" * 100_000, "1" * 5000, '{"images": [], "annotations": []}']
)
def test_what_is_not_coco_is_refused_with_its_file(tmp_path, text):
    path = tmp_path / "labels.json"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(TrainingError, match=r"labels\.json"):
        coco.read(path)


def test_parts_of_coco_come_from_file_names(coco_file, tmp_path):
    path = coco_file()
    path.rename(tmp_path / "coco/instances_val2017.json")

    assert ["val"] == [one.part for one in coco.read(tmp_path / "coco").pictures]


# Pascal VOC

VOC = """<annotation><filename>{name}</filename><size><width>96</width><height>96</height></size>
<object><name>hole</name><bndbox><xmin>{x1}</xmin><ymin>20</ymin><xmax>40</xmax><ymax>60</ymax></bndbox></object>
</annotation>"""


@pytest.fixture
def voc_folder(tmp_path):
    """Give a factory: a VOC folder whose one XML has this text."""

    def write(text=None, name="a.jpg", x1="10"):
        root = tmp_path / "voc"
        picture(root / "JPEGImages/a.jpg", 1)
        path = root / "Annotations/a.xml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(VOC.format(name=name, x1=x1) if text is None else text, encoding="utf-8")
        return root

    return write


def test_voc_corners_are_taken_as_they_stand(voc_folder):
    batch = voc.read(voc_folder())

    assert [(10, 20, 40, 60)] == _corners(batch)


def test_voc_parts_come_from_its_lists(voc_folder):
    root = voc_folder()
    (root / "ImageSets/Main").mkdir(parents=True)
    (root / "ImageSets/Main/val.txt").write_text("a\n", encoding="utf-8")

    assert ["val"] == [one.part for one in voc.read(root).pictures]


BOMB = '<!DOCTYPE a [<!ENTITY x "' + "ha" * 50 + '"><!ENTITY y "' + "&x;" * 50 + '">]><annotation>&y;</annotation>'
OUTSIDE = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><annotation><filename>&x;</filename></annotation>'


@pytest.mark.parametrize(
    "text",
    [BOMB, OUTSIDE, "", "<annotation>", "<html/>", "<annotation/>", "a" * (5 * 1024 * 1024), "<a>" * 100_000],
    ids=["bomb", "outside", "empty", "cut", "html", "bare", "huge", "deep"],
)
def test_xml_that_no_labelling_tool_writes_is_left_out(voc_folder, text):
    batch = voc.read(voc_folder(text))

    assert ([], ["Annotations/a.xml"]) == (batch.pictures, [one.where for one in batch.left_out])


@pytest.mark.parametrize("x1", ["nan", "inf", "", "ten", "1e999"])
def test_a_voc_picture_with_a_box_that_is_no_number_is_left_out(voc_folder, x1):
    assert [] == voc.read(voc_folder(x1=x1)).pictures


def test_a_voc_name_that_climbs_is_left_out(voc_folder):
    batch = voc.read(voc_folder(name="../../JPEGImages/a.jpg"))

    assert "leads out of the folder" in _why(batch)[0]


# Label Studio


def _region(**changed):
    value = {"x": 10, "y": 20, "width": 30, "height": 40, "rotation": 0, "rectanglelabels": ["hole"]}
    return {
        "id": "r1",
        "type": "rectanglelabels",
        "original_width": 200,
        "original_height": 100,
        "image_rotation": 0,
        "value": value | changed.pop("value", {}),
    } | changed


def _task(*annotations, image="/data/upload/3/0a1b2c3d-a.jpg"):
    return {"id": 5, "data": {"image": image}, "annotations": list(annotations)}


def _annotation(*regions, changed="2026-01-01T00:00:00Z", **more):
    return {"id": 1, "updated_at": changed, "was_cancelled": False, "result": list(regions)} | more


@pytest.fixture
def studio(tmp_path):
    """Give a function that reads an export of these tasks beside one picture."""

    def read(*tasks):
        picture(tmp_path / "studio/a.jpg", pixels=scene(1, 200)[:100])
        path = tmp_path / "studio/export.json"
        path.write_text(json.dumps(tasks), encoding="utf-8")
        return label_studio.read(path)

    return read


def test_label_studios_percentages_become_shares(studio):
    batch = studio(_task(_annotation(_region())))

    assert [pytest.approx((0.1, 0.2, 0.4, 0.6))] == _corners(batch)
    assert (200, 100) == batch.pictures[0].size_px


def test_the_annotation_changed_last_counts_and_cancelled_ones_never(studio):
    old = _annotation(_region(value={"rectanglelabels": ["old"]}))
    new = _annotation(_region(value={"rectanglelabels": ["new"]}), changed="2026-02-01T00:00:00Z")
    gone = _annotation(_region(), changed="2026-03-01T00:00:00Z", was_cancelled=True)
    batch = studio(_task(new, gone, old))

    assert ["new"] == [box.label for box in batch.pictures[0].boxes]


def test_ground_truth_counts_before_later_changes(studio):
    truth = _annotation(_region(value={"rectanglelabels": ["truth"]}), ground_truth=True)
    new = _annotation(_region(value={"rectanglelabels": ["new"]}), changed="2026-02-01T00:00:00Z")

    assert ["truth"] == [box.label for box in studio(_task(truth, new)).pictures[0].boxes]


def test_a_task_that_nobody_finished_is_left_out_and_an_empty_one_is_a_negative(studio):
    assert [] == studio(_task()).pictures
    assert [] == studio(_task(_annotation(was_cancelled=True))).pictures
    assert [()] == [one.boxes for one in studio(_task(_annotation())).pictures]


def test_a_turned_box_is_boxed_upright(studio):
    """A quarter turn clockwise round the top left corner of 60 × 40 px at (100, 20): it lies left of that corner."""
    region = _region(value={"x": 50, "y": 20, "rotation": 90})
    batch = studio(_task(_annotation(region)))

    assert [pytest.approx((0.3, 0.2, 0.5, 0.8))] == _corners(batch)


@pytest.mark.parametrize(
    "region",
    [
        _region(image_rotation=90),
        _region(type="polygonlabels"),
        _region(type="brushlabels"),
        _region(value={"rectanglelabels": []}),
        _region(value={"x": "far"}),
        _region(value={"x": None}),
        _region(value={"width": float("nan")}),
        _region(original_width=-4),
        "region",
        None,
    ],
)
def test_a_region_that_is_no_upright_box_leaves_the_picture_out(studio, region):
    batch = studio(_task(_annotation(region)))

    assert ([], 1) == (batch.pictures, len(batch.left_out))


@pytest.mark.parametrize("image", ["../../a.jpg", "http://x.example/b.jpg", "data:image/png;base64,AAAA", None, "", 5])
def test_a_task_whose_picture_is_not_in_the_folder_is_left_out(studio, image):
    assert [] == studio(_task(_annotation(_region()), image=image)).pictures


@pytest.mark.parametrize(
    "image", ["/data/local-files/?d=a.jpg", "s3://bucket/x/a.jpg", "a.jpg", "http://h/p/a.jpg?s=1"]
)
def test_a_picture_is_found_by_the_end_of_its_address(studio, image):
    assert ["a.jpg"] == [one.name for one in studio(_task(_annotation(_region()), image=image)).pictures]


def test_what_is_no_export_is_refused(tmp_path):
    (tmp_path / "x.json").write_text("{}", encoding="utf-8")

    with pytest.raises(TrainingError, match="JSON-MIN"):
        label_studio.read(tmp_path)


# Names and numbers


def test_two_pictures_of_one_name_are_not_guessed_between(tmp_path):
    picture(tmp_path / "x/a.jpg", 1)
    picture(tmp_path / "y/a.jpg", 2)

    with pytest.raises(LeaveOutError, match="2 pictures"):
        PictureFolder(tmp_path).find("a.jpg")


@pytest.mark.parametrize("value", [float("nan"), "inf", True, None, [], "1_0 x", 10**400])
def test_only_finite_numbers_are_numbers(value):
    with pytest.raises(LeaveOutError):
        number(value, "it")


def test_a_harmless_path_stays_as_it_is():
    assert "a/b.jpg" == str(safe_path("a\\b.jpg"))
