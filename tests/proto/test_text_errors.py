"""What the prototxt reader says of typical mistakes: where, what came, what was wanted; each mistake once."""

from __future__ import annotations

import pytest

from cafpy.errors import PrototxtError
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.text import parse


def complaint(text: str, message: object = None) -> str:
    with pytest.raises(PrototxtError) as error:
        parse(text, message or pb.NetParameter(), "net.prototxt")  # type: ignore[type-var]
    return str(error.value)


def problems(text: str, message: object = None) -> list[str]:
    """ "line:column: what" of each problem."""
    lines = complaint(text, message).splitlines()
    return [line.removeprefix("net.prototxt:") for line in lines if line.startswith("net.prototxt:")]


def in_conv(options: str) -> str:
    return f'layer {{ name: "conv1" type: "Convolution"\n  convolution_param {{ {options} }} }}\nlayer {{ name: "r" }}'


def test_the_whole_text_of_a_problem() -> None:
    text = (
        'name: "lenet"\nlayer {\n  name: "conv1"\n  convolution_param {\n\t\tnum_output: 20 kernel_sizes: 5\n  }\n}\n'
    )
    assert complaint(text) == (
        "net.prototxt:5:18: layer 'conv1' has no field 'kernel_sizes' in convolution_param "
        "(did you mean 'kernel_size'?)\n"
        "    num_output: 20 kernel_sizes: 5\n"
        "                   ^"
    )


def test_a_long_line_is_shown_around_the_place() -> None:
    text = " ".join(f'layer {{ name: "layer{i}" }}' for i in range(100)) + ' naame: "x"'
    where, source, mark = complaint(text).splitlines()
    assert where.startswith("net.prototxt:1:2591: a net has no field 'naame'")
    assert source[mark.index("^") :] == 'naame: "x"'
    assert len(source) < 120


ONE_PROBLEM = [
    # names
    ('layer { name: "r" relu_parm { } }', "1:19: layer 'r' has no field 'relu_parm' (did you mean 'relu_param'?)"),
    (
        in_conv("num_outputs: 3"),
        "2:23: layer 'conv1' has no field 'num_outputs' in convolution_param (did you mean 'num_output'?)",
    ),
    (
        in_conv('weight_filler { tipe: "xavier" }'),
        "2:39: layer 'conv1' has no field 'tipe' in convolution_param.weight_filler (did you mean 'type'?)",
    ),
    ('layer { tipe: "ReLU" name: "r" }', "1:9: layer 'r' has no field 'tipe' (did you mean 'type'?)"),
    ("layer { zzz: 1 }", "1:9: this layer has no field 'zzz'"),
    ('nme: "n"', "1:1: a net has no field 'nme' (did you mean 'name'?)"),
    ("state { fase: TEST }", "1:9: the net has no field 'fase' in state (did you mean 'phase'?)"),
    (
        'layers { layer { name: "v0" kernel: 3 } }',
        "1:29: layer 'v0' has no field 'kernel' (did you mean 'kernelsize'?)",
    ),
    ('layer { name: "a" defined_at: "x" }', "1:19: layer 'a' has no field 'defined_at'"),
    # names that belong elsewhere
    (
        'layer { name: "p" type: "Pooling" kernel_size: 3 }',
        "1:35: layer 'p' has no field 'kernel_size'; it belongs in pooling_param { }",
    ),
    (
        'layer { name: "p" filler { } }',
        "1:19: layer 'p' has no field 'filler'; "
        "it belongs in the options of the layer's type, as in prelu_param or bias_param { }",
    ),
    (
        'layer { name: "d" data_param { transform_param { scale: 1 } } }',
        "1:32: layer 'd' has no field 'transform_param' in data_param; it belongs beside data_param, not inside",
    ),
    (
        'layer { name: "c" blobs_lr: 1 }',
        "1:19: layer 'c' has no field 'blobs_lr'; that is of the old `layers { }`, today write param { lr_mult: … }",
    ),
    (
        'layer { roi_pooling_param { pooled_h: 7 } name: "p" type: "ROIPooling" }',
        "1:9: layer 'p' has no field 'roi_pooling_param'; "
        "'ROIPooling' is no layer type of Caffe's, maybe one of a fork",
    ),
    ('base_lr: 1\nname: "n" layer { }', "1:1: a net has no field 'base_lr'; it belongs in the solver's file"),
    (
        'net: "a.prototxt"\nbase_lr: 1 lr_polici: "step"',
        "1:1: this looks like a solver's file: a net has no field 'net', a solver has; give it as --solver",
    ),
    # enums
    (
        'layer { name: "p" pooling_param { pool: AVG } }',
        "1:41: layer 'p': pool has no value AVG (did you mean 'AVE'?); it is one of MAX, AVE, STOCHASTIC",
    ),
    (
        'layer { name: "p" pooling_param { pool: "AVE" } }',
        "1:41: layer 'p': pool wants a name, not a string; write pool: AVE, without quotes",
    ),
    (
        'layer { name: "p" pooling_param { pool: "average" } }',
        "1:41: layer 'p': pool wants a name, not a string; it is one of MAX, AVE, STOCHASTIC",
    ),
    (
        'layer { name: "p" pooling_param { pool: 3 } }',
        "1:41: layer 'p': pool has no value 3; it is one of MAX, AVE, STOCHASTIC",
    ),
    (
        'layers { name: "c" type: CONVOLUTON }',
        "1:26: layer 'c': type has no value CONVOLUTON (did you mean 'CONVOLUTION'?)",
    ),
    (
        'layers { name: "c" type: "Convolution" }',
        "1:26: layer 'c': in the old `layers { }` type is a name without quotes (did you mean 'CONVOLUTION'?); "
        "with `layer` a string",
    ),
    # strings
    ("name: in", '1:7: name wants a string in quotes; write name: "in"'),
    ("name: 5", '1:7: name wants a string in quotes; write name: "5"'),
    (
        'layer { name: "c" type: CONVOLUTION }',
        "1:25: layer 'c': type wants a string in quotes; write type: \"Convolution\"",
    ),
    (
        'layer { name: "c" type: SOFTMAX_LOSS }',
        "1:25: layer 'c': type wants a string in quotes; write type: \"SoftmaxWithLoss\"",
    ),
    (
        'layer { name: "d" data_param { source: /data/train_lmdb batch_size: 3 } }',
        "1:40: layer 'd': source wants a string in quotes; write source: \"/data/train_lmdb\"",
    ),
    (
        r'layer { name: "d" data_param { source: "C:\data" } }',
        r"1:40: layer 'd': \d in source is no escape; for a backslash write \\, in a path write /",
    ),
    ('name: "n\nlayer { }', '1:7: the string of name has no closing " in its line'),
    (
        "name: “n”\nlayer { }",
        '1:7: wanted a string in plain quotes "…" for name, found the character U+201C (LEFT DOUBLE QUOTATION MARK)',
    ),
    ('layer { name: type: "ReLU" }', "1:15: this layer: wanted a string for name, found type"),
    ("name: [ ]", "1:7: name takes one string, not a list"),
    ("name: '\\ud800'", "1:7: \\ud800 in name is no character"),
    ("name: '\\377'", "1:7: name holds a byte 0xff that is not UTF-8; save the file as UTF-8"),
    # numbers
    (in_conv("num_output: -20"), "2:35: layer 'conv1': num_output must not be negative, but is -20"),
    (
        in_conv('num_output: "20"'),
        "2:35: layer 'conv1': num_output wants a whole number, not a string; write num_output: 20, without quotes",
    ),
    (in_conv('num_output: "many"'), "2:35: layer 'conv1': num_output wants a whole number, not a string"),
    (in_conv("num_output: many"), "2:35: layer 'conv1': num_output wants a whole number, not many"),
    (in_conv("num_output: 20.0"), "2:35: layer 'conv1': num_output wants a whole number, not 20.0"),
    (in_conv("num_output: 08"), "2:35: layer 'conv1': num_output wants a whole number, not 08"),
    (in_conv("num_output: 20px"), "2:35: layer 'conv1': wanted a value for num_output, found 20px"),
    (
        in_conv("num_output: 5000000000"),
        "2:35: layer 'conv1': num_output is 5000000000, out of its range 0 to 4294967295",
    ),
    ("input_dim: 3000000000", "1:12: input_dim is 3000000000, out of its range -2147483648 to 2147483647"),
    ("layer { loss_weight: x }", "1:22: this layer: loss_weight wants a number, not x"),
    ("layer { loss_weight: 0x10 }", "1:22: this layer: loss_weight wants a decimal number, not 0x10"),
    ("layer { loss_weight: 010 }", "1:22: this layer: loss_weight wants a decimal number, not 010"),
    ("force_backward: yes", "1:17: force_backward wants true or false, not yes"),
    (
        'force_backward: "true"',
        "1:17: force_backward wants true or false, not a string; write force_backward: true, without quotes",
    ),
    ("force_backward: -1", "1:17: force_backward wants true or false, not -1"),
    # given twice
    (
        in_conv("num_output: 3\n\n  num_output: 4"),
        "4:3: num_output is given twice (first in line 2); it takes one value",
    ),
    (
        'layer { relu_param { } relu_param { } name: "a" }',
        "1:24: relu_param is given twice (first in line 1); it takes one value",
    ),
    # signs
    (in_conv("kernel_size = 5 stride: 1"), "2:35: wanted : between kernel_size and its value"),
    (in_conv("kernel_size 5 stride: 1"), "2:35: wanted : between kernel_size and its value"),
    (in_conv("kernel_size { 5 } stride: 1"), "2:35: kernel_size holds one value, not { }"),
    (in_conv("kernel_size stride: 1"), "2:35: wanted : and a value after kernel_size, found stride"),
    (in_conv("num_output: stride: 1"), "2:35: layer 'conv1': wanted a value for num_output, found stride"),
    (in_conv("num_output: [5] stride: 1"), "2:35: layer 'conv1': num_output takes one value, not a list"),
    (in_conv("kernel_size: [1 2] stride: 1"), "2:39: wanted , or ] in the list of kernel_size, found 2"),
    (in_conv("kernel_size: [1, 2 stride: 1"), "2:42: wanted , or ] in the list of kernel_size, found stride"),
    (in_conv("kernel_size: [1, x, 2] stride: 1"), "2:40: layer 'conv1': kernel_size wants a whole number, not x"),
    ("input_dim: 1, 3", "1:15: wanted the name of a field, found 3; several values are a list, [1, 2]"),
    ('layer { name: "a" } // b', "1:21: wanted the name of a field, found /"),
    ("layer { name： 'a' }", "1:13: wanted : and a value after name, found the character U+FF1A (FULLWIDTH COLON)"),
    ('layer "conv" { name: "c" }', '1:7: wanted { after layer, found "conv"'),
    ("layer { relu_param: 0.1 top: 'a' }", "1:21: wanted { after relu_param, found 0.1"),
    ("layer { include: TRAIN }", "1:18: wanted { after include, found TRAIN"),
    ("layer { relu_param }", "1:20: wanted { after relu_param, found }"),
    ("layer { relu_param {", "1:9: relu_param is opened here and never closed; a } is missing"),
    ("layer", "1:6: wanted { after layer, found the end of the file"),
    # braces
    (
        'layer {\n  name: "a"\n  type: "ReLU"\nlayer {\n  name: "b"\n}',
        "4:1: a } is missing before this layer: the layer of line 1 is still open",
    ),
    (
        'layer {\n  name: "a"\n  convolution_param {\n    num_output: 3\n  top: "a"\n}\nlayer {\n  name: "b"\n}',
        "5:3: a } is missing before top: the convolution_param of line 3 is still open",
    ),
    (
        'layer {\n  convolution_param { weight_filler { std: 1 num_output: 2 }\n  name: "a" }\nlayer { }',
        "2:46: a } is missing before num_output: the weight_filler of line 2 is still open",
    ),
    (
        'layer {\n  name: "a"\n  convolution_param {\n    num_output: 3\n  }\n',
        "1:1: layer is opened here and never closed; a } is missing",
    ),
    ('layer {\n  name: "a"\n}\n}\nlayer { name: "b" }', "4:1: there is a } too many: nothing is open here"),
    (
        'layer {\n  name: "a" }\n  type: "ReLU"\n  bottom: "x"\n}\nlayer { name: "b" }',
        "3:3: type belongs in a layer, and none is open; is there a } too many above?",
    ),
    ("layer { relu_param { negative_slope: 1 > }", "1:40: relu_param of line 1 is closed by >, wanted }"),
    ('layer { name: "c" clip_param { min: 1 } }', "1:19: layer 'c': clip_param needs max"),
    ('layer { name: "c" clip_param { } }', "1:19: layer 'c': clip_param needs min and max"),
]


@pytest.mark.parametrize(("text", "wanted"), ONE_PROBLEM, ids=[wanted for _, wanted in ONE_PROBLEM])
def test_one_problem(text: str, wanted: str) -> None:
    assert problems(text) == [wanted]


SOLVER = [
    ("learning_rate: 0.1", "1:1: a solver has no field 'learning_rate' (did you mean 'base_lr'?)"),
    ("max_iter: 1e5", "1:11: max_iter wants a whole number, not 1e5"),
    ("solver_mode: gpu", "1:14: solver_mode has no value gpu (did you mean 'GPU'?); it is one of CPU, GPU"),
    ("type: Adam", '1:7: type wants a string in quotes; write type: "Adam"'),
    ('net: "n"\nlayer { }', "2:1: a solver has no field 'layer'; it belongs in the net's file"),
    (
        'name: "n"\nlayer { name: "a" }\nlayer { nme: "b" }',
        "1:1: this looks like a net's file: a solver has no field 'name', a net has; "
        'a solver\'s file names it in a line net: "…"',
    ),
    ('net_param { layer { nme: "a" } }', "1:21: this layer has no field 'nme' (did you mean 'name'?)"),
    ("train_state { fase: TEST }", "1:15: the solver has no field 'fase' in train_state (did you mean 'phase'?)"),
]


@pytest.mark.parametrize(("text", "wanted"), SOLVER, ids=[wanted for _, wanted in SOLVER])
def test_one_problem_of_a_solver(text: str, wanted: str) -> None:
    assert problems(text, pb.SolverParameter()) == [wanted]


def test_all_problems_of_a_file_in_its_order() -> None:
    text = """name: n
layer {
  name: "a"
  typ: "ReLU"
  relu_param { negative_slope: x }
layer {
  name: "b"
  include { phase: TRIAN }
  pooling_param { kernel_size: -1 pool: MAX pool: AVE }
}
}
"""
    assert problems(text) == [
        '1:7: name wants a string in quotes; write name: "n"',
        "4:3: layer 'a' has no field 'typ' (did you mean 'type'?)",
        "5:32: layer 'a': negative_slope wants a number, not x",
        "6:1: a } is missing before this layer: the layer of line 2 is still open",
        "8:20: layer 'b': phase has no value TRIAN (did you mean 'TRAIN'?); it is one of TRAIN, TEST",
        "9:32: layer 'b': kernel_size must not be negative, but is -1",
        "9:45: pool is given twice (first in line 9); it takes one value",
        "11:1: there is a } too many: nothing is open here",
    ]


@pytest.mark.parametrize(
    ("count", "last"), [(20, None), (21, "... and 1 more problem"), (99, "... and 79 more problems")]
)
def test_no_more_than_twenty_are_listed(count: int, last: str | None) -> None:
    text = complaint("\n".join(f"wrong_{i}: 1" for i in range(count)))
    assert text.count("has no field") == 20
    assert last is None or text.splitlines()[-1] == last
