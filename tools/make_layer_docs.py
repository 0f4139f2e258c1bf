"""Write docs/layers.md, the catalogue of all layers, from their docstrings and the proto.

    python tools/make_layer_docs.py             writes it
    python tools/make_layer_docs.py --check     exits 1 when it is not what would be written

Each docstring gives the words, the formula, the shapes and a snippet; the proto gives each option's type and default.
"""

from __future__ import annotations

import argparse
import inspect
import re
import sys
from pathlib import Path
from typing import Any

from cafpy.layer import Arity, Layer
from cafpy.proto import cafpy_pb2 as pb
from cafpy.registry import layer_class, layer_types

CATALOGUE = Path(__file__).resolve().parent.parent / "docs" / "layers.md"
HEAD = """# Layers

Every layer type of cafpy, with its formula, shapes and options. Written by `python tools/make_layer_docs.py` from the
layers' docstrings and `protos/cafpy.proto`; change those, not this page. Where a layer differs from Caffe's on purpose,
[differences.md](differences.md) says why; [new-layer.md](new-layer.md) shows how to write one.

"""
OPTIONS = re.compile(r"^Options \((\w+)\)(.*?):\n((?:    .*\n|\n(?=    ))+)", re.MULTILINE)
ENTRY = re.compile(r"^    ((?:\w+(?:, )?)+): (.*(?:\n        .*)*)", re.MULTILINE)


def page(cls: type[Layer]) -> str:
    """The section of one layer."""
    text = inspect.getdoc(cls)
    if not text:
        raise SystemExit(f"{cls.__name__} has no docstring")
    text = OPTIONS.sub(_table, text + "\n")
    text = text.replace("```\nlayer", "```protobuf\nlayer")
    facts = f"Bottoms: {_count(cls.bottoms)} · tops: {_count(cls.tops)}"
    facts += " · may work in place" if cls.in_place else ""
    facts += " · loss weight 1 by default" if cls.is_loss else ""
    return f"## {cls.__name__}\n\n{facts}\n\n{text.strip()}\n"


def _table(match: re.Match[str]) -> str:
    """A list of options as a table with types and defaults."""
    message = pb.LayerParameter.DESCRIPTOR.fields_by_name[match[1]].message_type
    rows = [f"Options (`{match[1]}`{match[2]}):\n", "| option | type | default | |", "|---|---|---|---|"]
    for names, words in ENTRY.findall(match[3]):
        for name in names.split(", "):
            field = message.fields_by_name.get(name)
            kind, default = (_kind(field), _default(field)) if field else ("", "")
            words = " ".join(words.split()).replace("|", "\\|")
            rows.append(f"| `{name}` | {kind} | {default} | {words} |")
    return "\n".join(rows) + "\n"


def _kind(field: Any) -> str:
    if field.message_type is not None:
        kind = field.message_type.name
    elif field.enum_type is not None:
        kind = ", ".join(field.enum_type.values_by_name)
    else:
        kind = {field.CPPTYPE_BOOL: "bool", field.CPPTYPE_STRING: "string", field.CPPTYPE_FLOAT: "float"}.get(
            field.cpp_type, "integer"
        )
    return f"{kind}, repeated" if _repeated(field) else kind


def _repeated(field: Any) -> bool:
    flag = getattr(field, "is_repeated", None)
    return bool(flag) if flag is not None else field.label == field.LABEL_REPEATED


def _default(field: Any) -> str:
    if _repeated(field) or field.message_type is not None or not field.has_default_value:
        return ""
    if field.enum_type is not None:
        return field.enum_type.values_by_number[field.default_value].name
    if field.cpp_type == field.CPPTYPE_FLOAT:
        return f"{field.default_value:.7g}"
    return str(field.default_value).lower() if isinstance(field.default_value, bool) else str(field.default_value)


def _count(arity: Arity) -> str:
    if isinstance(arity, int):
        return str(arity)
    least, most = arity
    return f"{least} or more" if most is None else f"{least} to {most}"


def catalogue() -> str:
    """The whole page."""
    names = layer_types()
    index = " · ".join(f"[{name}](#{name.lower()})" for name in names)
    return HEAD + index + "\n\n" + "\n".join(page(layer_class(name)) for name in names)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    text = catalogue()
    if not args.check:
        CATALOGUE.write_text(text, "utf-8")
    elif not CATALOGUE.exists() or CATALOGUE.read_text("utf-8") != text:
        sys.exit(f"{CATALOGUE} is out of date; run python tools/make_layer_docs.py")


if __name__ == "__main__":
    main()
