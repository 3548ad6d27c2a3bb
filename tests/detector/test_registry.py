"""The versions of a model: listed, verified, put in force and taken back; what is unusable never gets in force."""

import json
import pickle
import threading
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from detector.card import CURRENT_FILE
from detector.errors import DetectorError, ModelRefused, TaxonomyRefused
from detector.history import Action, Step, versions_before
from detector.registry import Registry, earlier_versions, since
from detector.taxonomy import Taxonomy
from detector.verdict import VERDICT_FILE, Change, Decision, Verdict
from tests.detector.models import TWO_CLASSES, write_model

NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
CLASSES = ("exposed_garbage", "pothole")


def catalogue(*rests_on):
    """Give a catalogue with one class for each model class."""
    department = {"code": "office", "zh": "办公室", "en": "Office"}
    classes = [
        {
            "code": name,
            "zh": "类",
            "en": "Class",
            "departments": ["office"],
            "limits": [{"step": "fix", "hours": 4}],
            "seen": {"model_classes": [name]},
        }
        for name in rests_on
    ]
    return Taxonomy.model_validate(
        {
            "version": "test",
            "departments": [department],
            "place_categories": [department],
            "objects": [],
            "kinds": [{"code": "kind", "zh": "类", "en": "Kind", "classes": classes}],
        }
    )


TAXONOMY = catalogue(*CLASSES)


@pytest.fixture
def registry(tmp_path):
    """Give a registry with versions 1, 2 and 3, of which 1 was put in force."""
    folder = tmp_path / "street"
    for version in ("1", "2", "3"):
        write_model(folder / version, version=version, model={"input_px": 64})
    opened = Registry(folder)
    opened.promote("1", TAXONOMY)
    return opened


def verdict(decision=Decision.rejected, **changes):
    return Verdict(
        **(
            {
                "decision": decision,
                "reasons": ["graffiti fell from 0.700 to 0.600."],
                "against": "1",
                "validation_sha256": "a" * 64,
                "judged_at": NOW,
                "changes": [Change(name="graffiti", before=0.7, after=0.6)],
            }
            | changes
        )
    )


def spoil(registry, version, **card):
    """Replace a version by one whose card says something else."""
    folder = registry.folder / version
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    return write_model(folder, **({"version": version, "model": {"input_px": 64}} | card))


def test_the_list_says_which_version_is_in_force(registry):
    assert [("1", True), ("2", False), ("3", False)] == [(one.version, one.current) for one in registry.entries()]


def test_an_unusable_version_is_listed_with_the_reason(registry):
    (registry.folder / "2" / "model.onnx").write_bytes(TWO_CLASSES[:-1])

    assert registry.entry("2").card is None
    assert "its card says" in registry.entry("2").refusal
    assert registry.entry("1").refusal is None


def test_an_empty_or_missing_folder_has_no_versions(tmp_path):
    assert [] == Registry(tmp_path / "nowhere").entries()
    assert Registry(tmp_path).current() is None


def test_a_single_version_is_not_a_registry(registry):
    with pytest.raises(ModelRefused, match="single version"):
        Registry(registry.folder / "1")


@pytest.mark.parametrize("version", ["4", "..", "../street/1", "", ".lock", "1/../2"])
def test_a_version_that_is_not_there_is_refused_and_the_others_are_named(registry, version):
    with pytest.raises(ModelRefused, match=r"It has: 1, 2, 3\."):
        registry.promote(version, TAXONOMY)

    assert "1" == registry.current()


def test_promoting_moves_the_pointer_and_writes_down_who_when_and_why(registry):
    taken = registry.promote("2", TAXONOMY, why=" better on graffiti ")
    (_, line) = (registry.folder / "HISTORY.jsonl").read_text(encoding="utf-8").splitlines()

    assert "2\n" == (registry.folder / CURRENT_FILE).read_text()
    assert ("1", "2", "promote", "better on graffiti") == tuple(
        json.loads(line)[key] for key in ("from", "to", "action", "why")
    )
    assert taken.when.utcoffset() is not None
    assert taken.who
    assert taken == registry.steps()[-1]
    assert taken.when == since(registry.folder, "2")


def test_promoting_what_is_in_force_changes_nothing(registry):
    assert registry.promote("1", TAXONOMY) is None
    assert 1 == len(registry.steps())


def torch_file(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({"weights": 1}))
    return path.read_bytes()


class Bomb:
    """What a hostile pickle does: loading it runs something."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_named_onnx_is_refused_and_never_run(registry, tmp_path, protocol):
    trace = tmp_path / "it was run"
    spoil(registry, "2", content=pickle.dumps(Bomb(trace), protocol=protocol))

    with pytest.raises(ModelRefused, match=r"is a Python pickle.*Only ONNX is ever loaded"):
        registry.promote("2", TAXONOMY)
    assert "1" == registry.current()
    assert not trace.exists()


def test_a_torch_checkpoint_named_onnx_is_refused(registry, tmp_path):
    spoil(registry, "2", content=torch_file(tmp_path / "checkpoint.pt"))

    with pytest.raises(ModelRefused, match="as torch writes its checkpoints"):
        registry.promote("2", TAXONOMY)


@pytest.mark.parametrize("content", [b"\x00" * 200, b"(dp0\n.", b"not a model", TWO_CLASSES[:100]])
def test_what_is_no_onnx_at_all_is_refused(registry, content):
    spoil(registry, "2", content=content)

    with pytest.raises(ModelRefused, match=r"not a usable ONNX|Only ONNX|does not"):
        registry.verify("2", TAXONOMY)


def test_a_wrong_hash_is_refused(registry):
    spoil(registry, "2", model={"sha256": "0" * 64})

    with pytest.raises(ModelRefused, match="damaged or replaced"):
        registry.promote("2", TAXONOMY)


def test_weights_in_a_second_file_are_refused_since_no_hash_covers_them(registry):
    spoil(registry, "2", content=TWO_CLASSES + b"\x0a\x08location\x12\x0bweights.bin")

    with pytest.raises(ModelRefused, match="weights in another file"):
        registry.verify("2", TAXONOMY)


def test_classes_the_catalogue_rests_on_must_be_there(registry):
    spoil(registry, "2", classes=("exposed_garbage", "cat"))

    with pytest.raises(TaxonomyRefused, match="pothole"):
        registry.promote("2", TAXONOMY)
    assert "1" == registry.current()


def test_a_card_with_more_classes_than_the_artifact_is_refused(registry):
    spoil(registry, "2", classes=(*CLASSES, "graffiti"))

    with pytest.raises(ModelRefused, match="do not belong together"):
        registry.promote("2", TAXONOMY)


def test_a_version_under_another_version_s_name_is_refused(registry):
    (registry.folder / "2").rename(registry.folder / "8")

    with pytest.raises(ModelRefused, match="card of version 2, but its folder is named 8"):
        registry.promote("8", TAXONOMY)


def test_going_back_leads_further_each_time(registry):
    registry.promote("2", TAXONOMY)
    registry.promote("3", TAXONOMY)

    assert ["2", "1"] == [registry.roll_back(TAXONOMY).to for _ in range(2)]
    assert "1" == registry.current()
    with pytest.raises(ModelRefused, match="no version before 1"):
        registry.roll_back(TAXONOMY)


def test_after_going_back_and_promoting_anew_the_way_back_is_the_one_walked(registry):
    registry.promote("2", TAXONOMY)
    registry.roll_back(TAXONOMY)
    registry.promote("3", TAXONOMY)

    assert "1" == registry.roll_back(TAXONOMY).to


def test_a_pointer_moved_by_hand_is_gone_back_from_as_well(registry):
    (registry.folder / CURRENT_FILE).write_text("3\n")

    assert "1" == registry.roll_back(TAXONOMY).to


def test_a_pointer_that_makes_no_sense_is_gone_back_from_as_well(registry):
    registry.promote("2", TAXONOMY)
    (registry.folder / CURRENT_FILE).write_text("../../etc")

    assert "2" == registry.roll_back(TAXONOMY).to


def test_going_back_to_a_damaged_version_is_refused_and_the_version_in_force_stays(registry):
    registry.promote("2", TAXONOMY)
    (registry.folder / "1" / "model.onnx").write_bytes(b"")

    with pytest.raises(ModelRefused, match="The version before, 1, cannot be used"):
        registry.roll_back(TAXONOMY)
    assert "2" == registry.current()


def test_a_line_of_the_history_cut_off_by_a_crash_stands_in_nobodys_way(registry):
    with (registry.folder / "HISTORY.jsonl").open("a") as file:
        file.write('{"when": "2026-11-23T06:')
    registry.promote("2", TAXONOMY)

    assert "1" == registry.roll_back(TAXONOMY).to
    assert 3 == len(registry.steps())


def test_the_way_back_is_replayed_from_steps_alone():
    def walked(*steps):
        return [Step(when=NOW, before=one, to=two, action=how, who="me") for one, two, how in steps]

    up, down = Action.promote, Action.rollback

    assert [] == versions_before(walked((None, "1", Action.seed)), "1")
    assert ["1", "2", "1"] == versions_before(
        walked((None, "1", up), ("1", "2", up), ("2", "1", up), ("1", "3", up)), "3"
    )
    assert ["1"] == versions_before(walked((None, "1", up), ("1", "2", up), ("9", "2", down)), "2")
    assert [] == versions_before([], "1")


def test_a_rejected_version_is_put_in_force_only_by_force_and_with_a_reason(registry):
    registry.keep_verdict("2", verdict())

    with pytest.raises(ModelRefused, match=r"rejected when compared with 1: graffiti fell"):
        registry.promote("2", TAXONOMY)
    with pytest.raises(ModelRefused, match="say why"):
        registry.promote("2", TAXONOMY, despite_verdict=True)
    assert "2" == registry.promote("2", TAXONOMY, why="graffiti is no concern here", despite_verdict=True).to


def test_a_verdict_comes_back_as_it_was_kept(registry):
    registry.keep_verdict("2", verdict(Decision.accepted))

    assert verdict(Decision.accepted) == registry.entry("2").verdict
    assert Decision.unjudged is registry.entry("1").decision


def test_a_verdict_that_makes_no_sense_makes_the_version_unusable(registry):
    (registry.folder / "2" / VERDICT_FILE).write_text("decision: perhaps")

    assert "verdict.yaml" in registry.entry("2").refusal
    with pytest.raises(ModelRefused, match=r"verdict\.yaml"):
        registry.promote("2", TAXONOMY)


def test_a_candidate_comes_in_whole_and_waits(registry, tmp_path):
    candidate = write_model(tmp_path / "run-17", version="4", model={"input_px": 64})
    (candidate / "card.md").write_text("# card")

    assert "4" == registry.add(candidate, TAXONOMY)
    assert {"model.onnx", "card.yaml", "card.md"} == {path.name for path in (registry.folder / "4").iterdir()}
    assert "1" == registry.current()
    assert "4" == registry.add(candidate, TAXONOMY), "the same once more"


def test_a_candidate_that_is_unusable_leaves_nothing(registry, tmp_path):
    before = sorted(path.name for path in registry.folder.iterdir())
    candidate = write_model(tmp_path / "run-17", version="4", model={"sha256": "0" * 64})

    with pytest.raises(ModelRefused):
        registry.add(candidate, TAXONOMY)
    assert before == sorted(path.name for path in registry.folder.iterdir())


def test_a_candidate_under_the_name_of_another_version_is_refused(registry, tmp_path):
    candidate = write_model(tmp_path / "run-17", version="2", made_on=date(2026, 12, 1).isoformat())

    with pytest.raises(ModelRefused, match="another version named 2"):
        registry.add(candidate, TAXONOMY)


def test_promotions_side_by_side_leave_one_unbroken_history(registry):
    def promote(version):
        for _ in range(5):
            registry.promote(version, TAXONOMY)

    threads = [threading.Thread(target=promote, args=(version,)) for version in ("1", "2", "3")]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    steps = registry.steps()

    assert [one.to for one in steps[:-1]] == [one.before for one in steps[1:]]
    assert steps[-1].to == registry.current()


def test_a_reader_never_sees_half_a_pointer(registry):
    seen, done = set(), threading.Event()

    def read():
        while not done.is_set():
            seen.add((registry.folder / CURRENT_FILE).read_text())

    reader = threading.Thread(target=read)
    reader.start()
    for version in ("2", "3", "1") * 5:
        registry.promote(version, TAXONOMY)
    done.set()
    reader.join()

    assert seen <= {"1\n", "2\n", "3\n"}


def test_what_is_refused_is_one_of_our_own_errors(registry):
    (registry.folder / "2" / "card.yaml").write_bytes(b"\xff\xfe")

    with pytest.raises(DetectorError):
        registry.verify("2", TAXONOMY)


def test_what_a_start_may_fall_back_on_is_what_was_in_force_before(registry):
    registry.promote("2", TAXONOMY)
    registry.promote("3", TAXONOMY)

    assert [registry.folder / "2", registry.folder / "1"] == earlier_versions(registry.folder)
    assert [] == earlier_versions(registry.folder / "1"), "a single version has none before it"
