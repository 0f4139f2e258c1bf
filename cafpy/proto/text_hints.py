"""How messages about a prototxt name the place, and what they say of a field that is not there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from google.protobuf.descriptor import FieldDescriptor as FD

from cafpy.errors import did_you_mean
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.cursor import Cursor
from cafpy.proto.lexer import Token

_V1_ONLY = {"blobs_lr": "param { lr_mult: … }", "weight_decay": "param { decay_mult: … }"}
_OTHER_WORDS = {
    "learning_rate": "base_lr",
    "lr": "base_lr",
    "optimizer": "type",
    "filters": "num_output",
    "padding": "pad",
}


class Open(NamedTuple):
    """A message whose closing brace has not come yet: its field's name, as token and the token's index; itself."""

    name: Token
    at: int
    message: Any


def is_repeated(field: Any) -> bool:
    flag = getattr(field, "is_repeated", None)  # protobuf 6.31 and later; before: label
    return bool(flag) if flag is not None else field.label == FD.LABEL_REPEATED


def is_required(field: Any) -> bool:
    flag = getattr(field, "is_required", None)
    return bool(flag) if flag is not None else field.label == FD.LABEL_REQUIRED


def kind_of(message: Any) -> str:
    """ "net", "solver", or the message's name."""
    name = message.DESCRIPTOR.name
    return {"NetParameter": "net", "SolverParameter": "solver"}.get(name, name)


def fields_of(message: Any) -> list[str]:
    """The names that a prototxt may use."""
    return [name for name in message.DESCRIPTOR.fields_by_name if name != "defined_at"]


def is_layer(message: Any) -> bool:
    return isinstance(message, pb.LayerParameter | pb.V1LayerParameter | pb.V0LayerParameter)


def layer_name(cursor: Cursor, stack: Sequence[Open]) -> str:
    """ "layer 'conv1'" for the layer that is open, "this layer" when it has no name, "" outside of layers."""
    layers = [entry for entry in stack if is_layer(entry.message)]
    if not layers:
        return ""
    name = _string_of(cursor, layers[-1], "name")
    return f"layer '{name}'" if name else "this layer"


def no_such_field(cursor: Cursor, stack: Sequence[Open], root: Any, name: str) -> str:
    """ "layer 'conv1' has no field 'kernel_sizes' in convolution_param (did you mean 'kernel_size'?)"."""
    if not stack:
        return f"a {kind_of(root)} has no field '{name}'{_nearest(root, name)}"
    layers = [i for i, entry in enumerate(stack) if is_layer(entry.message)]
    inside = stack[layers[-1] + 1 :] if layers else stack
    where = layer_name(cursor, stack) or f"the {kind_of(root)}"
    path = ".".join(entry.name.text for entry in inside)
    return f"{where} has no field '{name}'{f' in {path}' if path else ''}{_hint(cursor, stack, name)}"


def _hint(cursor: Cursor, stack: Sequence[Open], name: str) -> str:
    message = stack[-1].message
    if any(name in fields_of(outer.message) for outer in stack[:-1]):
        return f"; it belongs beside {stack[-1].name.text}, not inside"
    if not isinstance(message, pb.LayerParameter):
        return _nearest(message, name)
    if name in _V1_ONLY:
        return f"; that is of the old `layers {{ }}`, today write {_V1_ONLY[name]}"
    kind = _string_of(cursor, stack[-1], "type")
    if _plain(name) == _plain(kind):
        return f"; '{kind}' is no layer type of Caffe's, maybe one of a fork"
    options = [
        field.name
        for field in message.DESCRIPTOR.fields
        if field.message_type and field.name.endswith("_param") and name in field.message_type.fields_by_name
    ]
    options = [option for option in options if _plain(option) == _plain(kind)] or options
    if len(options) == 1:
        return f"; it belongs in {options[0]} {{ }}"
    near = _nearest(message, name)
    if near or not options:
        return near
    return f"; it belongs in the options of the layer's type, as in {' or '.join(options[:2])} {{ }}"


def _nearest(message: Any, name: str) -> str:
    names = fields_of(message)
    word = _OTHER_WORDS.get(name)
    return did_you_mean(word if word in names else name, names)


def _plain(name: str) -> str:
    """ "ROIPooling" and "roi_pooling_param" alike."""
    return name.removesuffix("_param").replace("_", "").lower()


def _string_of(cursor: Cursor, layer: Open, field: str) -> str:
    """The layer's name or type, also where it stands further down."""
    found = getattr(layer.message, field) or cursor.string_ahead(layer.at, field)[1:-1]
    return found if found.isprintable() else ""
