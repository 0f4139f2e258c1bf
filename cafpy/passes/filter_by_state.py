"""Keep the layers whose include and exclude rules fit the net's state."""

from __future__ import annotations

from google.protobuf import text_format

from cafpy.errors import NetError
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.describe import describe


def filter_by_state(param: pb.NetParameter) -> pb.NetParameter:
    """The net without the layers that its ``state`` leaves out.

    A layer with include rules is kept when any of them fits; one with exclude rules unless any of them fits.
    Raises NetError naming every layer that has both.
    """
    both = [
        f"{describe(layer)}: has include and exclude rules; give it one kind of them"
        for layer in param.layer
        if layer.include and layer.exclude
    ]
    if both:
        raise NetError("\n".join(both))
    fields = {field.name: value for field, value in param.ListFields() if field.name != "layer"}
    return pb.NetParameter(**fields, layer=[layer for layer in param.layer if _is_kept(layer, param.state)])


def blobs_left_out(param: pb.NetParameter) -> dict[str, str]:
    """Blob name -> which layers would make it and what rules leave them out; ``param`` is the net before the filter."""
    makers: dict[str, list[str]] = {}
    for layer in param.layer:
        if not _is_kept(layer, param.state):
            for top in layer.top:
                makers.setdefault(top, []).append(f"{describe(layer)} ({_rules(layer)})")
    state = _spell(param.state)
    return {
        top: f"who makes it is left out of a net with {state}: {', '.join(layers)}" for top, layers in makers.items()
    }


def _is_kept(layer: pb.LayerParameter, state: pb.NetState) -> bool:
    if layer.include:
        return any(_fits(rule, state) for rule in layer.include)
    return not any(_fits(rule, state) for rule in layer.exclude)


def _fits(rule: pb.NetStateRule, state: pb.NetState) -> bool:
    stages = set(state.stage)
    return (
        (not rule.HasField("phase") or rule.phase == state.phase)
        and (not rule.HasField("min_level") or state.level >= rule.min_level)
        and (not rule.HasField("max_level") or state.level <= rule.max_level)
        and stages.issuperset(rule.stage)
        and stages.isdisjoint(rule.not_stage)
    )


def _rules(layer: pb.LayerParameter) -> str:
    rules = [("include", rule) for rule in layer.include] + [("exclude", rule) for rule in layer.exclude]
    return " ".join(f"{kind} {{ {text_format.MessageToString(rule, as_one_line=True)} }}" for kind, rule in rules)


def _spell(state: pb.NetState) -> str:
    """ "phase TEST", "phase TEST, level 2, stage 'a', 'b'"."""
    level = f", level {state.level}" if state.level else ""
    stages = ", stage " + ", ".join(f"'{stage}'" for stage in state.stage) if state.stage else ""
    return f"phase {pb.Phase.Name(state.phase)}{level}{stages}"
