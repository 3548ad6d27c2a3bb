"""The detection loss, deaf to what nobody knows: "do not judge" boxes silence one class inside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import nn
from torch.nn import functional
from ultralytics.nn.tasks import DetectionModel
from ultralytics.utils.loss import v8DetectionLoss
from ultralytics.utils.tal import make_anchors

from training.classes import CLASS_COUNT, CLASS_INDEX, COCO_TEACHER_ROWS


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
        size = torch.tensor([width, height], device=anchors.device) * float(self.stride[0])
        self._judged = judged_places(
            points=anchors * strides / size,
            boxes=batch["bboxes"][doubtful].to(anchors.device),
            classes=batch["cls"].view(-1)[doubtful].long().to(anchors.device) - CLASS_COUNT,
            pictures=batch["batch_idx"][doubtful].long().to(anchors.device),
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
    judged = torch.ones(shape, dtype=torch.bool, device=points.device)
    if len(boxes):
        apart = (points[None] - boxes[:, None, :2]).abs()
        inside = (apart <= boxes[:, None, 2:] / 2).all(dim=2)
        which, anchor = inside.nonzero(as_tuple=True)
        judged[pictures[which], anchor, classes[which]] = False
    return judged


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """A network whose knowledge is kept while another one learns."""

    network: nn.Module  #: in evaluation mode
    rows: Mapping[int, int]  #: its output row -> our class number
    share: float  #: of the batches in which it is asked


def coco_memory(network: nn.Module, share: float) -> Memory:
    """The COCO network as what is to be remembered: people and vehicles."""
    rows = {row: CLASS_INDEX[name] for row, name in COCO_TEACHER_ROWS.items()}
    return Memory(network=network, rows=rows, share=share)


def distillation_loss(scores: torch.Tensor, teacher_scores: torch.Tensor, rows: Mapping[int, int]) -> torch.Tensor:
    """How far the classes that a teacher knows have moved from what it says, anchor by anchor.

    Boxes teach only what is plainly there; the teacher's probabilities also carry that a van looks a little like
    a bus, which keeps classes alive that hardly occur in our pictures (learning without forgetting, Li and Hoiem
    2016, arXiv 1606.09282). Zero where both agree.

    Args:
        scores: (batch, our classes, anchors) logits.
        teacher_scores: (batch, its classes, anchors) logits on the same pictures.
        rows: its output row -> our class number; other classes of ours are free to move.

    Returns:
        A scalar: binary cross-entropy above the teacher's own entropy, per unit of the teacher's probability.
    """
    wanted = teacher_scores[:, list(rows)].sigmoid()
    ours = scores[:, list(rows.values())]
    apart = functional.binary_cross_entropy_with_logits(ours, wanted, reduction="sum")
    own = functional.binary_cross_entropy(wanted, wanted, reduction="sum")
    return (apart - own) / wanted.sum().clamp(min=1.0)


class StreetModel(DetectionModel):  # type: ignore[misc]
    """YOLO11n that trains on bfloat16 convolutions (three times as fast on processors with AMX) and our loss."""

    #: What is to be remembered. Of the class, so that neither the moving average nor a checkpoint carries a copy of it.
    memory: ClassVar[Memory | None] = None
    memory_weight: ClassVar[float] = 0.5

    def init_criterion(self) -> MaskedDetectionLoss:
        """The loss that knows "do not judge" boxes."""
        return MaskedDetectionLoss(self)

    def loss(self, batch: dict[str, Any], preds: Any = None) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """Loss of one batch: the network in bfloat16, everything after it in float32."""
        if getattr(self, "criterion", None) is None:
            self.criterion = self.init_criterion()
        remembered: torch.Tensor | None = None
        if preds is None:
            pictures = batch["img"].to(memory_format=torch.channels_last)
            with torch.autocast(pictures.device.type, dtype=torch.bfloat16):
                preds = self.forward(pictures)
            if self.memory is not None and torch.rand(()) < self.memory.share:
                network = self.memory.network.to(pictures.device)
                with torch.no_grad(), torch.autocast(pictures.device.type, dtype=torch.bfloat16):
                    remembered = network(pictures)[1]["scores"].float()
        preds = preds[1] if isinstance(preds, tuple) else preds
        preds = {
            "boxes": preds["boxes"].float(),
            "scores": preds["scores"].float(),
            "feats": preds["feats"],
        }
        answer: tuple[torch.Tensor, dict[str, torch.Tensor]] = self.criterion(preds, batch)
        if remembered is None or self.memory is None:
            return answer
        apart = distillation_loss(preds["scores"], remembered, self.memory.rows)
        return torch.cat([answer[0], (self.memory_weight * apart * len(remembered))[None]]), answer[1]
