"""Label files are read strictly and written so that they read the same."""

import numpy as np
import pytest

from training.labels import from_xyxy, overlap, read_labels, to_xyxy, write_labels
from training.places import TrainingError


def test_what_is_written_reads_the_same(tmp_path):
    labels = np.array([[3, 0.5, 0.5, 0.2, 0.4], [11, 0.25, 0.75, 0.1, 0.1]])
    write_labels(tmp_path / "a.txt", labels)

    assert np.allclose(labels, read_labels(tmp_path / "a.txt"))


def test_an_empty_file_is_a_picture_with_nothing_in_it(tmp_path):
    (tmp_path / "a.txt").write_text("", encoding="utf-8")

    assert (0, 5) == read_labels(tmp_path / "a.txt").shape


def test_a_box_over_the_edge_is_cut_and_one_outside_dropped(tmp_path):
    write_labels(tmp_path / "a.txt", np.array([[0, 0.0, 0.5, 0.4, 0.2], [0, 1.5, 0.5, 0.1, 0.1]]))
    labels = read_labels(tmp_path / "a.txt")

    assert np.allclose([[0, 0.1, 0.5, 0.2, 0.2]], labels)


@pytest.mark.parametrize("line", ["0 0.5 0.5 0.2", "0 0.5 0.5 0.2 1.4", "bin 0.5 0.5 0.2 0.2"])
def test_a_bad_line_is_refused_with_file_and_line(tmp_path, line):
    (tmp_path / "bad.txt").write_text(f"0 0.5 0.5 0.2 0.2\n{line}\n", encoding="utf-8")

    with pytest.raises(TrainingError, match=r"bad\.txt:2"):
        read_labels(tmp_path / "bad.txt")


def test_shares_to_pixels_and_back():
    labels = np.array([[4, 0.5, 0.25, 0.5, 0.5]])
    corners = to_xyxy(labels, 200, 100)

    assert [[50, 0, 150, 50]] == corners.tolist()
    assert np.allclose(labels, from_xyxy(np.array([4]), corners, 200, 100))


def test_overlap_of_half_covered_boxes():
    one, two = np.array([[0.0, 0.0, 10.0, 10.0]]), np.array([[0.0, 0.0, 10.0, 5.0], [20.0, 20.0, 30.0, 30.0]])

    assert np.allclose([[0.5, 0.0]], overlap(one, two))
