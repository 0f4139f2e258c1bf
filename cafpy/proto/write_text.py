"""Writes messages as prototxt that Caffe and other tools read."""

from __future__ import annotations

from google.protobuf import text_format
from google.protobuf.message import Message

from cafpy.proto import cafpy_pb2 as pb


def message_text(message: Message) -> str:
    """The message as prototxt; in a net without what only cafpy knows of its layers, the lines they come from."""
    if isinstance(message, pb.NetParameter):
        plain = pb.NetParameter()
        plain.CopyFrom(message)
        for layer in (*plain.layer, *plain.layers):
            layer.ClearField("defined_at")
        message = plain
    return text_format.MessageToString(message, as_utf8=True)
