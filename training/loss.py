"""The detection loss, deaf to what nobody knows: "do not judge" boxes silence one class inside them."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from ultralytics.nn.tasks import DetectionModel
from ultralytics.utils.loss import v8DetectionLoss
from ultralytics.utils.tal import make_anchors

from training.classes import CLASS_COUNT


class MaskedDetectionLoss(v8DetectionLoss):  # type: ignore[misc]
    """Ultralytics' detection loss without the classification loss of doubtful places.

    A label of class `c + 12` says: whether class `c` is inside this box is unknown. At anchor points inside it
    the classification loss of `c` is dropped, unless an object of class `c` was assigned there.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__(model)
        self._plain_bce = self.bce
        self.bce = self._masked_bce
        self._judged: torch.Tensor | None = None  # (batch, anchors, classes) bool of the current batch

    def _masked_bce(self, scores: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        loss: torch.Tensor = self._plain_bce(scores, targets)
        return loss if self._judged is None else loss * (self._judged | (targets > 0))

    def get_assigned_targets_and_loss(
        self, preds: dict[str, Any], batch: dict[str, Any], **assign_kwargs: Any
    ) -> tuple[Any, ...]:
        """Take the "do not judge" boxes out of the batch, then compute the loss as ever."""
        doubtful = batch["cls"].view(-1) >= CLASS_COUNT
        anchors, strides = make_anchors(preds["feats"], self.stride, 0.5)
        height, width = preds["feats"][0].shape[2:]
        size = torch.tensor([width, height]) * float(self.stride[0])
        self._judged = judged_places(
            points=anchors * strides / size,
            boxes=batch["bboxes"][doubtful],
            classes=batch["cls"].view(-1)[doubtful].long() - CLASS_COUNT,
            pictures=batch["batch_idx"][doubtful].long(),
            shape=(preds["scores"].shape[0], anchors.shape[0], CLASS_COUNT),
        )
        sure = {key: batch[key][~doubtful] for key in ("cls", "bboxes", "batch_idx")}
        result: tuple[Any, ...] = super().get_assigned_targets_and_loss(preds, {**batch, **sure}, **assign_kwargs)
        return result


def judged_places(
    *,
    points: torch.Tensor,
    boxes: torch.Tensor,
    classes: torch.Tensor,
    pictures: torch.Tensor,
    shape: tuple[int, int, int],
) -> torch.Tensor:
    """Where each class may be judged: (batch, anchors, classes) bool, False inside doubtful boxes.

    Args:
        points: (anchors, 2) anchor centres as shares of the input.
        boxes: (n, 4) doubtful boxes cx cy w h, same shares.
        classes: (n,) class they doubt.
        pictures: (n,) their picture's place in the batch.
        shape: of the answer.
    """
    judged = torch.ones(shape, dtype=torch.bool)
    if len(boxes):
        apart = (points[None] - boxes[:, None, :2]).abs()
        inside = (apart <= boxes[:, None, 2:] / 2).all(dim=2)
        which, anchor = inside.nonzero(as_tuple=True)
        judged[pictures[which], anchor, classes[which]] = False
    return judged


class StreetModel(DetectionModel):  # type: ignore[misc]
    """YOLO11n that trains on bfloat16 convolutions (three times as fast on processors with AMX) and our loss."""

    def init_criterion(self) -> MaskedDetectionLoss:
        """The loss that knows "do not judge" boxes."""
        return MaskedDetectionLoss(self)

    def loss(self, batch: dict[str, Any], preds: Any = None) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """Loss of one batch: the network in bfloat16, everything after it in float32."""
        if getattr(self, "criterion", None) is None:
            self.criterion = self.init_criterion()
        if preds is None:
            with torch.autocast("cpu", dtype=torch.bfloat16):
                preds = self.forward(batch["img"].to(memory_format=torch.channels_last))
        preds = preds[1] if isinstance(preds, tuple) else preds
        preds = {
            "boxes": preds["boxes"].float(),
            "scores": preds["scores"].float(),
            "feats": preds["feats"],
        }
        answer: tuple[torch.Tensor, dict[str, torch.Tensor]] = self.criterion(preds, batch)
        return answer
