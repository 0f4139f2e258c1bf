"""From the net as written to the net as built: each pass takes a NetParameter and returns another."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from cafpy.passes.check_blobs import CheckLayer
from cafpy.passes.filter_by_state import blobs_left_out, filter_by_state
from cafpy.passes.insert_splits import insert_splits
from cafpy.passes.net_state import state_of_net
from cafpy.passes.upgrade import upgrade_net
from cafpy.passes.upgrade_input import inputs_without_shape
from cafpy.proto import cafpy_pb2 as pb

logger = logging.getLogger(__name__)


def prepare(param: pb.NetParameter, phase: int, level: int = 0, stages: Iterable[str] = ()) -> pb.NetParameter:
    """The net's layers as they are built in this phase: upgraded, filtered by state, splits inserted.

    ``phase`` (``pb.TRAIN``, ``pb.TEST``) and ``level`` go before the net's own `state`, ``stages`` are added to it.
    The result's ``state`` is the merged one. What was upgraded is logged. Raises NetError.
    """
    return prepare_in_state(param, state_of_net(param, phase, level, stages))


def prepare_in_state(
    param: pb.NetParameter, state: pb.NetState, check_layer: CheckLayer | None = None
) -> pb.NetParameter:
    """As :func:`prepare` for a state that is settled already; what ``check_layer`` says of a layer is an error, told
    together with those of the blobs."""
    upgraded, notes = upgrade_net(param)
    for note in notes:
        logger.warning("%s", note)
    placed = pb.NetParameter()
    placed.CopyFrom(upgraded)
    placed.state.CopyFrom(state)
    left_out = inputs_without_shape(param) | blobs_left_out(placed)
    return insert_splits(filter_by_state(placed), left_out, check_layer)
