"""What a solver must know to go on, besides the weights."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass
class SolverState:
    """The state of a solver after some iterations.

    Attributes:
        iteration: updates done so far.
        learned_net: the weight file that belongs to it, as a path from the working directory of the run.
        history: the update rule's arrays: for each slot, one for each parameter.
        current_step: steps taken by the lr_policy.
        layer_positions: LayerPosition messages, one for each layer that has something to remember (Caffe has none).
        learned_net_crc: CRC-32 of the weight file; None when unknown (Caffe does not say).
        monitors: MonitorState messages, one for each test output that is watched.
        average: the moving average of each parameter; empty when there is none.
        solver_type: the type of the solver that wrote it; "" when unknown (Caffe does not say).
    """

    iteration: int
    learned_net: str
    history: list[np.ndarray]
    current_step: int = 0
    layer_positions: list[Any] = field(default_factory=list)
    learned_net_crc: int | None = None
    monitors: list[Any] = field(default_factory=list)
    average: list[np.ndarray] = field(default_factory=list)
    solver_type: str = ""
