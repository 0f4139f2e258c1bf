"""Blocks: written out as declared, mistakes in them found with their place."""

import pytest

from cafpy.errors import PrototxtError
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.text import parse
from cafpy.proto.writer import to_text

BLOCK = """block {
  name: "conv_relu"
  layer {
    name: "conv$n" type: "Convolution" bottom: "$bottom" top: "conv$n"
    convolution_param { num_output: $out kernel_size: 3 }
  }
  layer { name: "relu$n" type: "ReLU" bottom: "conv$n" top: "conv$n" }
}
"""


def layers(text: str) -> list[tuple[str, str, str]]:
    """(name, bottom, top) of the layers that the text means."""
    net = parse(text, pb.NetParameter(), "net.prototxt")
    return [(layer.name, " ".join(layer.bottom), " ".join(layer.top)) for layer in net.layer]


def problem(text: str) -> str:
    """What is said of the text, without the source lines shown."""
    with pytest.raises(PrototxtError) as error:
        parse(text, pb.NetParameter(), "net.prototxt")
    return "\n".join(line for line in str(error.value).splitlines() if not line.startswith("    "))


def test_written_out() -> None:
    written = parse(
        BLOCK + 'use { block: "conv_relu" n: "1" bottom: "data" out: 64 }', pb.NetParameter(), "net.prototxt"
    )
    plain = parse(
        """layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
             convolution_param { num_output: 64 kernel_size: 3 } }
           layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }""",
        pb.NetParameter(),
    )
    assert [layer.defined_at for layer in written.layer] == [
        "net.prototxt:3 (used in line 9)",
        "net.prototxt:7 (used in line 9)",
    ]
    assert to_text(written) == to_text(plain)


def test_order_of_layers_and_uses() -> None:
    text = """
        layer { name: "a" }
        use { block: "one" n: "b" }
        layer { name: "c" }
        block { name: "one" layer { name: "$n" } }
        use { block: "one", n: 'd'; }
    """
    assert [name for name, _, _ in layers(text)] == ["a", "b", "c", "d"]


def test_repeat_makes_a_chain() -> None:
    text = BLOCK + 'use { block: "conv_relu" n: "2_$i" bottom: "pool1" out: 64 repeat: 3 }'
    assert [layer for layer in layers(text) if layer[0].startswith("conv")] == [
        ("conv2_1", "pool1", "conv2_1"),
        ("conv2_2", "conv2_1", "conv2_2"),
        ("conv2_3", "conv2_2", "conv2_3"),
    ]


def test_blocks_in_blocks() -> None:
    text = (
        BLOCK
        + """
        block {
          name: "stage"
          use { block: "conv_relu" n: "${s}_$i" bottom: "$bottom" out: $out repeat: $times }
          layer { name: "pool$s" type: "Pooling" bottom: "conv${s}_$times" top: "pool$s" }
        }
        use { block: "stage" s: 1 bottom: "data" out: 64 times: 2 }
    """
    )
    assert layers(text) == [
        ("conv1_1", "data", "conv1_1"),
        ("relu1_1", "conv1_1", "conv1_1"),
        ("conv1_2", "conv1_1", "conv1_2"),
        ("relu1_2", "conv1_2", "conv1_2"),
        ("pool1", "conv1_2", "pool1"),
    ]
    assert parse(text, pb.NetParameter(), "f").layer[0].defined_at == "f:3 (used in line 12, in line 15)"


def test_values_of_every_kind() -> None:
    text = """
        block {
          name: "pool"
          layer {
            name: "$name" pooling_param { pool: $how kernel_size: $k global_pooling: $all }
            power_param { shift: $shift } loss_weight: -$weight
          }
        }
        use { block: "pool" name: "p" how: AVE k: 3 all: false shift: -1.5 weight: 2 }
    """
    layer = parse(text, pb.NetParameter()).layer[0]
    assert (layer.name, layer.pooling_param.pool, layer.pooling_param.kernel_size) == ("p", pb.PoolingParameter.AVE, 3)
    assert (layer.power_param.shift, list(layer.loss_weight)) == (-1.5, [-2.0])


def test_dollars_and_quotes() -> None:
    text = """
        layer { name: "$plain" }
        block { name: "a" layer { name: "$$n is $n" type: '$n' } }
        use { block: "a" n: "it's $$5" }
    """
    net = parse(text, pb.NetParameter())
    assert [layer.name for layer in net.layer] == ["$plain", "$n is it's $5"]
    assert net.layer[1].type == "it's $5"


def test_a_field_called_use_elsewhere_is_none_of_ours() -> None:
    assert problem('layer { name: "a" use { block: "b" } }').startswith(
        "net.prototxt:1:19: layer 'a' has no field 'use'"
    )


MISTAKES = {
    "no such block": (
        BLOCK + 'use { block: "conv_rel" n: "1" }',
        "net.prototxt:9:14: there is no block 'conv_rel' (did you mean 'conv_relu'?); there are conv_relu",
    ),
    "no block at all": (
        'use { block: "a" }',
        "net.prototxt:1:14: there is no block 'a'; the file declares none",
    ),
    "no name": (
        "block { layer { } }",
        'net.prototxt:1:1: a block begins with its name: block { name: "..." layer { ... } }',
    ),
    "declared twice": (
        'block { name: "a" }\nblock { name: "a" }',
        "net.prototxt:2:15: block 'a' is declared twice (first in line 1)",
    ),
    "holds something else": (
        'block { name: "a" layer { } param { } }\nuse { block: "a" x: 1 }',
        "net.prototxt:1:29: block 'a' holds `layer {` and `use {`, not `param`",
    ),
    "uses itself": (
        'block { name: "a" use { block: "b" } }\nblock { name: "b" use { block: "a" } }\nuse { block: "a" }',
        "net.prototxt:2:32: a block cannot use itself: a uses b uses a",
    ),
    "never closed": (
        'layer { name: "a" }\nblock { name: "a"',
        "net.prototxt:2:1: `block` is opened here and never closed; a } is missing",
    ),
    "block not said": (
        'use { n: "1" }',
        'net.prototxt:1:1: which block is used? write use { block: "..." ... }',
    ),
    "argument missing and one too many": (
        BLOCK + 'use { block: "conv_relu" n: "1" bottom: "data" oot: 64 }',
        "net.prototxt:9:1: block 'conv_relu' has $out in line 5, but this use gives no out; add `out: ...`\n"
        "net.prototxt:9:53: block 'conv_relu' has no $oot (did you mean 'out'?); it has $n, $bottom, $out",
    ),
    "argument given twice": (
        BLOCK + 'use { block: "conv_relu" n: "1" n: "2" }',
        "net.prototxt:9:33: n is given twice; a use gives an argument once",
    ),
    "no value": (
        'use { block: "a" n: }',
        "net.prototxt:1:1: wanted one value for n: a string, a number, a word or a $name",
    ),
    "message as value": (
        'use { block: "a" n: { } }',
        "net.prototxt:1:21: wanted one value for n: a string, a number, a word or a $name",
    ),
    "two strings": (
        'use { block: "a" n: "x" "y" }',
        'net.prototxt:1:25: wanted an argument of this use, `name: value`, found "y"',
    ),
    "braces forgotten, said once": (
        'block { name: "a" layer { name: "$n_x" } }\nuse { block: "a" n: 1 }\nuse { block: "a" n: 2 }',
        "net.prototxt:1:33: nobody gives a value for $n_x; is ${n}_x meant?",
    ),
    "a dollar alone": (
        'block { name: "a" layer { name: "5 $" } }\nuse { block: "a" }',
        "net.prototxt:1:33: a $ begins a name, as in $width or ${width}; for a dollar sign write $$ (used in line 2)",
    ),
    "not a name": (
        'block { name: "a" layer { loss_weight: $1.5 } }\nuse { block: "a" }',
        "net.prototxt:1:40: $1.5: a $ begins a name, as in $width (used in line 2)",
    ),
    "$i without repeat": (
        BLOCK + 'use { block: "conv_relu" n: "$i" bottom: "data" out: 64 }',
        "net.prototxt:9:29: $i stands for nothing here; $i counts the copies of a use that has `repeat: ...`",
    ),
    "repeat is no count": (
        BLOCK + 'use { block: "conv_relu" n: "$i" bottom: "data" out: 64 repeat: 0 }',
        "net.prototxt:9:65: repeat wants a whole number from 1 on, not 0",
    ),
    "too many layers": (
        'block { name: "a" layer { } }\nblock { name: "b" use { block: "a" repeat: 50000 } }\n'
        'use { block: "b" repeat: 3 }',
        "net.prototxt:2:19: the uses make more than 100,000 layers (used in line 3)",
    ),
    "a layer's mistake, said once": (
        BLOCK.replace("kernel_size", "kernel_sise")
        + 'use { block: "conv_relu" n: "$i" bottom: "data" out: 64 repeat: 9 }',
        "net.prototxt:5:42: layer 'conv1' has no field 'kernel_sise' in convolution_param (did you mean 'kernel_size'?)"
        " (used in line 9)",
    ),
    "a value of the wrong kind, where it is given": (
        BLOCK + 'use { block: "conv_relu" n: "1" bottom: "data" out: "64" }',
        "net.prototxt:9:53: layer 'conv1': num_output wants a whole number, not a string; "
        "write num_output: 64, without quotes",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistake(name: str) -> None:
    text, message = MISTAKES[name]
    assert problem(text) == message


def test_layers_of_blocks_in_later_errors() -> None:
    from cafpy.errors import NetError
    from cafpy.passes import prepare

    text = BLOCK + 'use { block: "conv_relu" n: "1" bottom: "dada" out: 64 }'
    with pytest.raises(
        NetError, match=r"layer 'conv1' \(Convolution\), net.prototxt:3 \(used in line 9\): bottom 'dada'"
    ):
        prepare(parse(text, pb.NetParameter(), "net.prototxt"), pb.TEST)
