"""The mean of several checkpoints of one training path: `python -m training.average A.pt B.pt --to OUT.pt`.

Epochs of two stages lie close enough together that their mean is a working network, and a steadier one than the last.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch

from training.networks import StateDict, blend, read_state


def average(states: Sequence[StateDict]) -> StateDict:
    """The mean of tensors with the same keys and shapes.

    Raises:
        ValueError: there are none.
    """
    if not states:
        raise ValueError("An average of no checkpoints was asked for.")
    mean = states[0]
    for count, state in enumerate(states[1:], start=2):
        mean = blend(mean, state, 1 / count)
    return mean


def main() -> None:
    """Write the mean of the named checkpoints."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("checkpoints", type=Path, nargs="+", help="plain state dicts of one network")
    options.add_argument("--to", type=Path, required=True, help="where the mean goes")
    chosen = options.parse_args()
    torch.save(average([read_state(path) for path in chosen.checkpoints]), chosen.to)
    print(chosen.to)


if __name__ == "__main__":
    main()
