"""The model in memory: an ONNX session that was allowed in by its card. The only place that imports onnxruntime."""

import threading

import numpy as np
import numpy.typing as npt
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as raised

from detector.card import Card
from detector.errors import ModelRefused

_QUIET = 3  # onnxruntime's log level: errors only
_REFUSALS = (  # its own classes have no common parent but Exception
    raised.Fail,
    raised.InvalidArgument,
    raised.InvalidGraph,
    raised.InvalidProtobuf,
    raised.NoModel,
    raised.NotImplemented,
    raised.RuntimeException,
    RuntimeError,
    ValueError,
)


class Session:
    """One model, ready to run; may be called from several threads."""

    def __init__(self, content: bytes, card: Card, *, threads: int | None = None) -> None:
        """Load the artifact.

        Args:
            content: the ONNX file's bytes, already checked against the card's SHA-256.
            threads: processor threads one run may use; None leaves it to onnxruntime (all cores).

        Raises:
            ModelRefused: not ONNX, or its shapes do not fit the card.
        """
        options = onnxruntime.SessionOptions()
        options.log_severity_level = _QUIET
        # Threads that spin while they wait take the cores from the decoding of the next photo and from other processes:
        # measured on two busy cores, a photo took twice as long with it.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        if threads:
            options.intra_op_num_threads = threads
        try:
            self._session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        except _REFUSALS as error:
            raise ModelRefused(f"{card.name} {card.version}: {card.model.file} is not a usable ONNX model.") from error
        self._input = _checked_input(self._session, card)
        _check_output(self._session, card)
        self._lock = threading.Lock()

    def run(self, blob: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Give the raw output (4 + classes, candidates) float32 for one input (1, 3, H, W) float32 RGB 0..1."""
        with self._lock:  # two runs side by side only take each other's cores
            outputs = self._session.run(None, {self._input: blob})
        raw: npt.NDArray[np.float32] = np.asarray(outputs[0], dtype=np.float32)[0]
        return raw

    def try_out(self, card: Card) -> None:
        """Look at one grey picture.

        Raises:
            ModelRefused: the model loads, but cannot be run or gives what no reader of boxes can take.
        """
        side = card.model.input_px
        try:
            raw = self.run(np.full((1, 3, side, side), 0.5, dtype=np.float32))
        except _REFUSALS as error:
            raise ModelRefused(f"{card.name} {card.version} loads but does not run: {error}") from error
        if raw.ndim != 2 or raw.shape[0] != 4 + len(card.classes) or not np.isfinite(raw).all():
            raise ModelRefused(f"{card.name} {card.version} runs but gives {raw.shape} or numbers that are none.")


def _checked_input(session: onnxruntime.InferenceSession, card: Card) -> str:
    inputs = session.get_inputs()
    if len(inputs) != 1 or len(inputs[0].shape) != 4 or inputs[0].type != "tensor(float)":
        raise ModelRefused(f"{card.name} {card.version} does not take one float picture (1, 3, H, W).")
    return str(inputs[0].name)


def _check_output(session: onnxruntime.InferenceSession, card: Card) -> None:
    outputs = session.get_outputs()
    wanted = 4 + len(card.classes)
    rows = outputs[0].shape[1] if len(outputs) == 1 and len(outputs[0].shape) == 3 else None
    if rows != wanted:
        raise ModelRefused(
            f"{card.name} {card.version} gives {rows} rows for each box, but its card names {len(card.classes)} "
            f"classes, which needs {wanted}: the card and the artifact do not belong together."
        )
