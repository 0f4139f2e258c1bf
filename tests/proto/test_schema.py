"""The compiled schema against the facts of Caffe's: every field's number, label, type and default, every enum value."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2

from cafpy.proto import cafpy_pb2 as pb

TABLE = Path(__file__).parents[1] / "golden" / "schema.tsv"
OUR_FIELDS = {
    ("LayerParameter", "defined_at"),
    ("V1LayerParameter", "defined_at"),
    ("SolverParameter", "defined_at"),
    ("SolverState", "layer_position"),
    ("SolverState", "learned_net_crc"),
    ("SolverState", "crc"),
    ("SolverState", "solver_type"),
    ("SolverState", "monitor"),
    ("SolverState", "average"),
    *(
        ("SolverParameter", name)
        for name in (
            *("warmup_iter", "warmup_start_lr", "rampup_interval", "rampup_lr", "warmup_type", "min_lr"),
            *("restart_interval", "restart_mult", "cycle_up", "cycle_start", "cycle_end"),
            *("plateau_patience", "monitor", "monitor_better"),
            *("early_stop_patience", "snapshot_keep", "snapshot_best", "ema_decay", "max_epoch", "freeze"),
        )
    ),
}
OUR_FIELDS |= {
    ("TransformationParameter", name)
    for name in (
        *("rotate_param", "random_crop_param", "erase_param", "max_corrupt"),
        *("rand_augment_param", "mix_param"),
    )
}
OUR_FIELDS |= {
    ("LossParameter", name)
    for name in ("label_smoothing", "class_weight", "balance_classes", "focal_gamma", "focal_alpha")
}
OUR_FIELDS |= {("DataParameter", "shuffle"), ("HDF5DataParameter", "prefetch")}
# Fields of the SSD branch of Caffe (weiliu89/caffe, branch ssd), under its numbers; BVLC's Caffe uses them for nothing.
SSD_FIELDS = {
    ("TransformationParameter", "resize_param"): 8,
    ("TransformationParameter", "noise_param"): 9,
    ("TransformationParameter", "crop_h"): 11,
    ("TransformationParameter", "crop_w"): 12,
    ("TransformationParameter", "distort_param"): 13,
    ("TransformationParameter", "expand_param"): 14,
}
DATA_MESSAGES = {
    "DistortionParameter",
    "ErasingParameter",
    "ExpansionParameter",
    "MixParameter",
    "NoiseParameter",
    "RandAugmentParameter",
    "RandomCropParameter",
    "ResizeParameter",
    "RotationParameter",
    "SaltPepperParameter",
}
OUR_MESSAGES = DATA_MESSAGES | {
    "MonitorState",
    "LayerPosition",
    "LayerPosition.ValueEntry",
    "SolverParameter.DefinedAtEntry",
}
FIRST_OWN_NUMBER = 90001

Field = descriptor_pb2.FieldDescriptorProto


def recorded(kind: str) -> Iterator[dict[str, str]]:
    with TABLE.open() as file:
        rows = [row for row in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE) if row[0] == kind]
    header = rows[0]
    yield from (dict(zip(header, row, strict=False)) for row in rows[1:])


def file_proto() -> descriptor_pb2.FileDescriptorProto:
    proto = descriptor_pb2.FileDescriptorProto()
    pb.DESCRIPTOR.CopyToProto(proto)
    return proto


def messages() -> Iterator[tuple[str, descriptor_pb2.DescriptorProto]]:
    for message in file_proto().message_type:
        yield message.name, message
        for nested in message.nested_type:
            yield f"{message.name}.{nested.name}", nested


def fields() -> dict[tuple[str, str], Field]:
    return {(name, field.name): field for name, message in messages() for field in message.field}


def facts(message: str, field: Field) -> dict[str, str]:
    """The field as a row of the table, without its default."""
    return {
        "message": message,
        "field": field.name,
        "number": str(field.number),
        "label": Field.Label.Name(field.label).removeprefix("LABEL_").lower(),
        "type": Field.Type.Name(field.type).removeprefix("TYPE_").lower(),
        "type_name": field.type_name.removeprefix(".cafpy."),
        "explicit": str(int(field.HasField("default_value"))),
        "packed": str(int(field.options.packed)),
    }


def test_every_field_of_caffes_is_here_as_it_is_there() -> None:
    ours = fields()
    for row in recorded("FIELD"):
        wanted = {column: value for column, value in row.items() if column not in ("FIELD", "default")}
        assert facts(row["message"], ours[row["message"], row["field"]]) == wanted


def test_only_the_fields_listed_here_are_added() -> None:
    known = {(row["message"], row["field"]) for row in recorded("FIELD")}
    added = {key for key in fields() if key not in known and key[0] not in OUR_MESSAGES}
    assert added == OUR_FIELDS | SSD_FIELDS.keys()
    own = added - SSD_FIELDS.keys()
    assert all(fields()[key].number >= FIRST_OWN_NUMBER for key in own), "a number that Caffe may come to use"
    assert {key: fields()[key].number for key in SSD_FIELDS} == SSD_FIELDS
    assert {name for name, _ in messages()} == {message for message, _ in known} | OUR_MESSAGES


def test_every_enum_has_caffes_values_and_no_others() -> None:
    wanted = {(row["enum"], row["value"], int(row["number"])) for row in recorded("ENUM")}
    enums = [("", enum) for enum in file_proto().enum_type]
    enums += [
        (f"{name}.", enum) for name, message in messages() if name not in DATA_MESSAGES for enum in message.enum_type
    ]
    assert {(scope + enum.name, value.name, value.number) for scope, enum in enums for value in enum.value} == wanted


def test_unset_fields_read_as_caffes_defaults() -> None:
    for row in recorded("FIELD"):
        if row["label"] == "repeated" or row["type"] == "message":
            continue
        field = pb.DESCRIPTOR.message_types_by_name[row["message"]].fields_by_name[row["field"]]
        value, wanted = field.default_value, row["default"]
        where = f"{row['message']}.{row['field']}"
        if row["type"] == "enum":
            assert field.enum_type.values_by_number[value].name == wanted, where
        elif row["type"] == "bool":
            assert value is (wanted == "true"), where
        elif row["type"] == "string":
            assert f'"{value}"' == wanted, where
        elif row["type"] == "bytes":
            assert (value, wanted) == (b"", ""), where
        else:
            assert value == pytest.approx(float(wanted), rel=1e-6, abs=0), where
