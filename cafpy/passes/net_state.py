"""Which state (phase, level, stages) a net is built in: what its file says, and what its builder says."""

from __future__ import annotations

from collections.abc import Iterable

from cafpy.proto import cafpy_pb2 as pb


def state_of_net(param: pb.NetParameter, phase: int, level: int = 0, stages: Iterable[str] = ()) -> pb.NetState:
    """The state of a net that is built on its own: phase and level as given here, stages of both.

    So `state { phase: TRAIN level: 5 stage: "a" }` in the file adds a stage and nothing else; Caffe does the same.
    """
    return pb.NetState(phase=pb.Phase.Name(phase), level=level, stage=[*param.state.stage, *stages])


def state_in_solver(param: pb.NetParameter, phase: int, state: pb.NetState | None = None) -> pb.NetState:
    """The state of a solver's net: ``phase``, over it the net's own `state`, over it train_state or test_state.

    The later wins field by field; stages add up.
    """
    merged = pb.NetState(phase=pb.Phase.Name(phase))
    merged.MergeFrom(param.state)
    if state is not None:
        merged.MergeFrom(state)
    return merged
