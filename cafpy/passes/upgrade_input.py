"""`input: "data" input_dim: 1 ...` at the head of a net becomes a layer of type Input."""

from __future__ import annotations

from cafpy.errors import NetError
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.describe import file_prefix

AXES = 4  # input_dim is always num, channels, height, width


def upgrade_input(param: pb.NetParameter) -> tuple[pb.NetParameter, list[str]]:
    """The net with its `input` fields as first layer, called "input".

    `input_shape` goes before `input_dim` when both are given. Inputs without any shape make no layer, as in Caffe;
    a note says so. Raises NetError when there are fewer shapes or dimensions than the inputs need.
    """
    if not param.input:
        return param, []
    where = file_prefix(param.layer)
    names = ", ".join(f"'{name}'" for name in param.input)
    layers = list(param.layer)
    if param.input_shape or param.input_dim:
        shapes, notes = _shapes(param, where)
        input_layer = pb.LayerParameter(name="input", type="Input", top=param.input)
        input_layer.input_param.shape.extend(shapes)
        layers.insert(0, input_layer)
        notes.insert(0, f"{where}the input fields ({names}) became an Input layer")
    else:
        notes = [f"{where}input {names} has neither input_shape nor input_dim; it makes no blob"]
    fields = {
        field.name: value
        for field, value in param.ListFields()
        if field.name not in {"input", "input_dim", "input_shape", "layer"}
    }
    return pb.NetParameter(**fields, layer=layers), notes


def inputs_without_shape(param: pb.NetParameter) -> dict[str, str]:
    """Input name -> why it makes no blob, in the words of an error message about a layer that reads it."""
    if param.input_shape or param.input_dim:
        return {}
    return dict.fromkeys(param.input, "there is an input of that name, but it has neither input_shape nor input_dim")


def _shapes(param: pb.NetParameter, where: str) -> tuple[list[pb.BlobShape], list[str]]:
    inputs = len(param.input)
    if param.input_shape:
        if len(param.input_shape) < inputs:
            raise NetError(f"{where}{inputs} inputs need {inputs} input_shape, one each; got {len(param.input_shape)}")
        return list(param.input_shape[:inputs]), []
    dims, wanted = list(param.input_dim), AXES * inputs
    if len(dims) < wanted:
        raise NetError(
            f"{where}{inputs} input(s) need {wanted} input_dim (num, channels, height, width of each); "
            f"got {len(dims)}: {', '.join(map(str, dims))}. For other numbers of axes write input_shape {{ dim: ... }}"
        )
    extra = [f"{where}{len(dims) - wanted} input_dim too many for {inputs} input(s); the first {wanted} count"]
    shapes = [pb.BlobShape(dim=dims[i : i + AXES]) for i in range(0, wanted, AXES)]
    return shapes, extra if len(dims) > wanted else []
