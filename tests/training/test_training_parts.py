"""Parts that need torch: skipped where only the core is installed."""

import random

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the training extra")
pytest.importorskip("ultralytics", reason="needs the training extra")
pytestmark = pytest.mark.filterwarnings("ignore")

from training.assemble import fill, half_of, quilt  # noqa: E402
from training.average import average  # noqa: E402
from training.classes import CLASS_COUNT, CLASS_INDEX, CLASSES, ignore_index  # noqa: E402
from training.job import shortest_way  # noqa: E402
from training.labels import no_labels  # noqa: E402
from training.loss import distillation_loss, judged_places  # noqa: E402
from training.networks import blend, street_network  # noqa: E402
from training.recipe import CONFIG, FROM_COCO, FROM_TEACHERS, Filling, Half, Mean, read_recipe  # noqa: E402
from training.sources import Picture  # noqa: E402


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


ROWS = {2: 0, 5: 1}  # the teacher's third output is our first class, its sixth our second


def test_what_agrees_with_the_teacher_costs_nothing_whatever_the_other_classes_say():
    ours, teacher = torch.randn(2, 4, 30), torch.randn(2, 6, 30)
    ours[:, list(ROWS.values())] = teacher[:, list(ROWS)]

    assert pytest.approx(0.0, abs=1e-5) == float(distillation_loss(ours, teacher, ROWS))


def test_the_distillation_pulls_each_class_towards_the_teacher_and_no_other():
    ours = torch.zeros(1, 4, 3, requires_grad=True)  # one half everywhere
    teacher = torch.zeros(1, 6, 3)
    teacher[0, 2], teacher[0, 5] = torch.tensor([4.0, -4.0, 0.0]), torch.tensor([-4.0, 4.0, 0.0])
    loss = distillation_loss(ours, teacher, ROWS)
    loss.backward()
    slope = ours.grad[0]

    assert float(loss) > 0
    assert [-1, 1, 0] == slope[0].sign().tolist(), "up where the teacher is surer, down where it is less sure"
    assert [1, -1, 0] == slope[1].sign().tolist()
    assert not slope[2:].any()

    with torch.no_grad():
        nearer = distillation_loss(ours - 0.1 * slope, teacher, ROWS)
    assert nearer < loss


def test_the_halves_of_a_source_share_no_walk_and_miss_none():
    walks = [f"2018071{day}_0{hour}h" for day in range(9) for hour in range(3)]
    first, second = half_of(walks, Half.first), half_of(walks, Half.second)

    assert set(walks) == first | second
    assert not first & second
    assert abs(len(first) - len(second)) <= 1


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


@pytest.mark.parametrize("name", ["street.yaml", "ablations.yaml"])
def test_every_stage_of_a_recipe_names_a_set_and_a_start_that_are_there(name):
    recipe = read_recipe(CONFIG.with_name(name))

    for stage in recipe.stages.values():
        if isinstance(stage, Mean):
            assert set(stage.mean) <= set(recipe.stages)
        else:
            assert stage.set in recipe.sets
            assert stage.start in {FROM_TEACHERS, FROM_COCO, *recipe.stages}


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


def test_a_versions_file_becomes_a_network_that_says_the_same_and_can_learn(tmp_path):
    pytest.importorskip("onnx", reason="needs the training extra")
    from detector import shipped
    from training.from_onnx import folded_state, unfold

    version = (shipped("models/street") / "CURRENT").read_text(encoding="utf-8").strip()
    path = shipped(f"models/street/{version}") / "model.onnx"
    import onnxruntime

    torch.manual_seed(4)
    pictures = torch.rand(4, 3, 96, 128)
    model = street_network()
    model.load_state_dict(unfold(folded_state(path), [pictures]))
    model.eval()
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    theirs = session.run(None, {"images": pictures.numpy()})[0]
    with torch.inference_mode():
        mine = model(pictures)[0].numpy()

    assert float(np.abs(mine - theirs).max()) < 0.05  # pixels; confidences lie within 0..1
    assert float(np.abs(mine[:, 4:] - theirs[:, 4:]).max()) < 1e-3

    with torch.inference_mode():
        model.train()
        learning = model(pictures)
        model.eval()
        serving = model(pictures)[1]
    assert float((learning["scores"] - serving["scores"]).abs().mean()) < 0.2, "its norms fit what they see"


def test_a_file_of_another_network_is_refused(tmp_path):
    pytest.importorskip("onnx", reason="needs the training extra")
    from tests.detector.models import TWO_CLASSES
    from training.from_onnx import folded_state, unfold
    from training.places import TrainingError

    (tmp_path / "model.onnx").write_bytes(TWO_CLASSES)
    with pytest.raises(TrainingError, match="not of our network"):
        unfold(folded_state(tmp_path / "model.onnx"), [])
    (tmp_path / "model.onnx").write_bytes(b"\x80\x04 a pickle")
    with pytest.raises(TrainingError, match="cannot be read as ONNX"):
        folded_state(tmp_path / "model.onnx")


@pytest.mark.parametrize(
    ("scores", "chosen"),
    [
        ({0.25: 0.8726, 0.5: 0.8744, 0.75: 0.8698, 1.0: 0.8645}, 0.25),
        ({0.25: 0.80, 0.5: 0.84, 0.75: 0.86, 1.0: 0.858}, 0.75),
        ({0.25: 0.80, 0.5: 0.81, 0.75: 0.82, 1.0: 0.84}, 1.0),
        ({0.5: 0.7}, 0.5),
    ],
)
def test_a_longer_way_has_to_be_worth_it(scores, chosen):
    assert chosen == shortest_way(scores)
