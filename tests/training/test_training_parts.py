"""Parts that need torch: skipped where only the core is installed."""

import random

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the training extra")
pytest.importorskip("ultralytics", reason="needs the training extra")
pytestmark = pytest.mark.filterwarnings("ignore")

from training.assemble import Filling, fill, quilt  # noqa: E402
from training.average import average  # noqa: E402
from training.classes import CLASS_COUNT, CLASS_INDEX, CLASSES, ignore_index  # noqa: E402
from training.labels import no_labels  # noqa: E402
from training.loss import judged_places  # noqa: E402
from training.networks import blend, street_network  # noqa: E402
from training.sources import Picture  # noqa: E402
from training.train import read_recipe  # noqa: E402


def test_doubtful_boxes_silence_only_their_class_and_place():
    points = torch.tensor([[0.25, 0.25], [0.75, 0.75]])
    judged = judged_places(
        points=points,
        boxes=torch.tensor([[0.25, 0.25, 0.2, 0.2]]),
        classes=torch.tensor([CLASS_INDEX["car"]]),
        pictures=torch.tensor([1]),
        shape=(2, 2, CLASS_COUNT),
    )

    assert not judged[1, 0, CLASS_INDEX["car"]]
    assert 2 * 2 * CLASS_COUNT - 1 == int(judged.sum())


def test_no_doubt_judges_everything():
    none = torch.zeros(0)
    judged = judged_places(
        points=torch.zeros(5, 2), boxes=torch.zeros(0, 4), classes=none, pictures=none, shape=(1, 5, CLASS_COUNT)
    )

    assert bool(judged.all())


def test_a_teacher_adds_sure_boxes_and_raises_doubt_over_unsure_ones(monkeypatch, tmp_path):
    car, heap = CLASS_INDEX["car"], CLASS_INDEX["exposed_garbage"]
    boxes = np.array(
        [
            [0.1, 0.1, 0.3, 0.3, 0.9, car],  # sure
            [0.1, 0.1, 0.3, 0.31, 0.3, car],  # the same car again
            [0.6, 0.6, 0.8, 0.8, 0.2, car],  # unsure
            [0.4, 0.4, 0.5, 0.5, 0.9, heap],  # the source labels heaps itself
        ]
    )
    monkeypatch.setattr("training.assemble.read_boxes", lambda *_: boxes)
    picture = Picture(
        source="garbage", part="train", path=tmp_path / "1.jpg", scene="1", labels=no_labels(),
        judged=frozenset({"exposed_garbage"}),
    )  # fmt: skip
    filling = Filling(teacher="any", sizes_px=(640,), classes=CLASSES, sure=0.5, doubtful=0.1)

    assert [car, ignore_index(car)] == fill(picture, (filling,))[:, 0].astype(int).tolist()


def test_a_quilt_keeps_every_label_inside_its_quarter(tmp_path):
    import cv2

    path = tmp_path / "a.jpg"
    cv2.imwrite(str(path), np.full((80, 120, 3), 200, dtype=np.uint8))
    tiles = [(path, np.array([[index, 0.5, 0.5, 0.5, 0.5]])) for index in range(4)]
    image, labels = quilt(tiles, random.Random(1))

    assert (640, 640, 3) == image.shape
    assert [0, 1, 2, 3] == labels[:, 0].astype(int).tolist()
    assert bool((labels[:, 1:] > 0).all())
    assert bool((labels[:, 1:3] + labels[:, 3:] / 2 <= 1).all())


def test_a_blend_lies_between_its_parents():
    one, two = {"a": torch.zeros(2)}, {"a": torch.ones(2)}

    assert [0.25, 0.25] == blend(one, two, 0.25)["a"].tolist()


def test_the_mean_of_three_checkpoints_weighs_them_alike():
    states = [{"a": torch.full((2,), value)} for value in (0.0, 3.0, 6.0)]

    assert [3.0, 3.0] == average(states)["a"].tolist()


def test_the_shipped_recipe_is_readable():
    recipe = read_recipe()

    assert {"first"} <= set(recipe.stages)


def test_onnx_and_torch_agree_on_non_square_pictures(tmp_path):
    pytest.importorskip("onnxslim", reason="needs the training extra")
    import onnxruntime

    from training.export import write_onnx

    torch.manual_seed(3)
    model = street_network().eval()
    path = tmp_path / "model.onnx"
    write_onnx(model, path)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    for batch, height, width in ((1, 96, 224), (2, 160, 64)):
        pictures = torch.rand(batch, 3, height, width)
        with torch.inference_mode():
            output = model(pictures)
        mine = (output[0] if isinstance(output, tuple) else output).numpy()
        theirs = session.run(None, {"images": pictures.numpy()})[0]

        assert (batch, 4 + CLASS_COUNT) == theirs.shape[:2]
        assert float(np.abs(mine[:, :4] - theirs[:, :4]).max()) < 2
        assert float(np.abs(mine[:, 4:] - theirs[:, 4:]).max()) < 0.02
