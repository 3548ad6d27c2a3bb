"""A version's ONNX file back into a network that can learn on, so that no pickle is ever needed.

The export folds each batch norm into its convolution and keeps the names. Here the folded tensors become the
convolution's again, and each norm is given the statistics that pictures show, with the scale and shift that undo them:
the network says exactly what the file says, and learns like one that was never folded.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import onnx
import torch
from onnx import numpy_helper
from torch import nn

from training.networks import StateDict, street_network
from training.places import TrainingError


def folded_state(path: Path) -> StateDict:
    """The tensors of an exported network by name, convolutions with a bias and no norms.

    Raises:
        TrainingError: the file is not ONNX.
    """
    try:
        graph = onnx.load(path).graph
    except Exception as error:  # protobuf has errors of its own
        raise TrainingError(f"{path} cannot be read as ONNX: {error}") from error
    return {
        tensor.name: torch.from_numpy(numpy_helper.to_array(tensor).copy())
        for tensor in graph.initializer
        if tensor.name.startswith("model.")
    }


def unfold(folded: StateDict, batches: Iterable[torch.Tensor]) -> StateDict:
    """The state of our network that says what the folded tensors say.

    Args:
        batches: pictures (n, 3, h, w), 0..1, by which the norms are measured; a few dozen are enough.

    Raises:
        TrainingError: the file is of another network than ours.
    """
    model = street_network().eval()
    state = model.state_dict()
    norms = {name: one for name, one in model.named_modules() if isinstance(one, nn.BatchNorm2d)}
    shifts: dict[str, torch.Tensor] = {}
    for name in norms:
        convolution = name.removesuffix(".bn") + ".conv"
        shifts[name] = _taken(folded, f"{convolution}.bias", state[f"{name}.bias"])
    for key, value in state.items():
        if key.rpartition(".")[0] not in norms:
            state[key] = _taken(folded, key, value)
    for name, norm in norms.items():  # without effect but for the shift
        state[f"{name}.weight"] = torch.sqrt(torch.ones_like(norm.running_var) + norm.eps)
        state[f"{name}.bias"], state[f"{name}.running_mean"] = shifts[name], torch.zeros_like(shifts[name])
        state[f"{name}.running_var"] = torch.ones_like(shifts[name])
    model.load_state_dict(state)
    for name, (mean, variance) in _measured(model, norms, batches).items():
        eps = norms[name].eps
        state[f"{name}.running_mean"], state[f"{name}.running_var"] = mean, variance
        state[f"{name}.weight"] = torch.sqrt(variance + eps)
        state[f"{name}.bias"] = shifts[name] + mean
    return state


def _taken(folded: StateDict, key: str, like: torch.Tensor) -> torch.Tensor:
    found = folded.get(key)
    if found is None or found.shape != like.shape:
        shown = "is missing" if found is None else f"has the shape {tuple(found.shape)}, not {tuple(like.shape)}"
        raise TrainingError(f"The version's file is not of our network: {key} {shown}. Start from another version.")
    return found.to(like.dtype)


@torch.inference_mode()
def _measured(
    model: nn.Module, norms: dict[str, nn.BatchNorm2d], batches: Iterable[torch.Tensor]
) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """Mean and variance of what enters each norm, per channel."""
    sums: dict[str, list[torch.Tensor]] = {}

    def watch(name: str) -> nn.Module:
        def hook(_module: nn.Module, entering: tuple[torch.Tensor, ...]) -> None:
            value = entering[0].double()
            here = [value.sum((0, 2, 3)), value.square().sum((0, 2, 3)), torch.tensor(value[:, 0].numel())]
            sums[name] = [a + b for a, b in zip(sums[name], here, strict=True)] if name in sums else here

        return norms[name].register_forward_pre_hook(hook)  # type: ignore[return-value]

    handles = [watch(name) for name in norms]
    for batch in batches:
        model(batch)
    for handle in handles:
        handle.remove()  # type: ignore[operator]
    found = {}
    for name, (total, squares, count) in sums.items():
        mean = total / count
        found[name] = (mean.float(), (squares / count - mean.square()).clamp(min=1e-6).float())
    return found
