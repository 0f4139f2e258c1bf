"""cafpy_pb2.py and cafpy_pb2.pyi are made of the .proto that stands beside them, and load everywhere."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from cafpy.proto import cafpy_pb2 as pb

ROOT = Path(__file__).parents[2]
PROTO = ROOT / "protos" / "cafpy.proto"


@pytest.mark.parametrize("name", ["cafpy_pb2.py", "cafpy_pb2.pyi"])
def test_made_of_the_proto_as_it_is(name: str) -> None:
    first_line = (ROOT / "cafpy" / "proto" / name).read_text().split("\n", 1)[0]
    checksum = hashlib.sha256(PROTO.read_bytes()).hexdigest()
    assert first_line.endswith(f"sha256 {checksum}"), "run tools/generate_proto.py"


def test_has_the_protos_fields() -> None:
    """Also when someone has changed the generated file by hand, which the checksum does not tell."""
    declared: dict[str, set[tuple[str, int]]] = {}
    message = ""
    for line in PROTO.read_text().splitlines():
        if opened := re.match(r"message (\w+) {", line):
            message = opened[1]
            declared[message] = set()
        elif field := re.match(r"  (?:(?:optional|required|repeated) \S+|map<\w+, \w+>) (\w+) = (\d+)", line):
            declared[message].add((field[1], int(field[2])))
    compiled = {
        name: {(field.name, field.number) for field in message.fields}
        for name, message in pb.DESCRIPTOR.message_types_by_name.items()
    }
    assert compiled == declared
    assert sum(map(len, declared.values())) > 400


def test_every_message_is_explained() -> None:
    pairs = pairwise(PROTO.read_text().splitlines())
    bare = [line for before, line in pairs if line.startswith("message ") and not before.startswith("//")]
    assert bare == []


def test_imports_without_a_warning() -> None:
    subprocess.run([sys.executable, "-W", "error", "-c", "import cafpy.proto.cafpy_pb2"], check=True, cwd=ROOT)


BESIDE = """
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

def ours():
    from cafpy.proto import cafpy_pb2
    return cafpy_pb2

def theirs(descriptor):
    # what the generated module of someone's own caffe.proto does
    text = descriptor.replace(b".cafpy.", b".caffe.")
    proto = descriptor_pb2.FileDescriptorProto.FromString(text)
    proto.name, proto.package = "caffe.proto", "caffe"
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(proto.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("caffe.NetParameter"))

descriptor = bytes.fromhex("%s")
if %r:
    pb, Theirs = ours(), theirs(descriptor)
else:
    Theirs, pb = theirs(descriptor), ours()
net = pb.NetParameter(name="n")
layer = net.layer.add(name="c", type="Pooling")
layer.pooling_param.pool = pb.PoolingParameter.AVE
other = Theirs.FromString(net.SerializeToString())
assert other.DESCRIPTOR.full_name == "caffe.NetParameter" and str(other) == str(net), (other, net)
"""


@pytest.mark.parametrize("ours_first", [True, False])
def test_loads_beside_another_caffe_proto(ours_first: bool) -> None:
    program = BESIDE % (pb.DESCRIPTOR.serialized_pb.hex(), ours_first)
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True, cwd=ROOT)
