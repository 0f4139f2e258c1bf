"""The nets that cafpy is measured against compute what cafpy computes."""

import sys
from pathlib import Path

import numpy as np
import pytest

TOOLS = Path(__file__).resolve().parents[2] / "tools"
HEAD = 'layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 4 dim: 13 dim: 13 } } }'
# windows that do not fit (ceil), groups, a Scale behind a BatchNorm, a Split, in place and not
BODY = """
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
        convolution_param { num_output: 6 kernel_size: 3 pad: 1 stride: 1 group: 2 bias_term: false } }
layer { name: "bn" type: "BatchNorm" bottom: "conv" top: "conv" }
layer { name: "scale" type: "Scale" bottom: "conv" top: "conv" scale_param { bias_term: true } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "max" type: "Pooling" bottom: "conv" top: "max" pooling_param { kernel_size: 3 stride: 2 pad: 1 } }
layer { name: "mean" type: "Pooling" bottom: "conv" top: "mean" pooling_param { pool: AVE kernel_size: 2 stride: 2 } }
layer { name: "cat" type: "Concat" bottom: "max" bottom: "mean" top: "cat" }
layer { name: "within" type: "LRN" bottom: "cat" top: "within"
        lrn_param { norm_region: WITHIN_CHANNEL local_size: 3 alpha: 0.5 } }
layer { name: "across" type: "LRN" bottom: "within" top: "across" lrn_param { local_size: 5 alpha: 0.5 } }
layer { name: "conv2" type: "Convolution" bottom: "across" top: "conv2"
        convolution_param { num_output: 12 kernel_size: 1 } }
layer { name: "sum" type: "Eltwise" bottom: "conv2" bottom: "across" top: "sum" }
layer { name: "ip" type: "InnerProduct" bottom: "sum" top: "ip" inner_product_param { num_output: 5 } }
"""
TEST = BODY + 'layer { name: "prob" type: "Softmax" bottom: "ip" top: "prob" }'
TRAIN = BODY + 'layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }'
LABEL = 'layer { name: "label" type: "Input" top: "label" input_param { shape { dim: 2 } } }'


@pytest.fixture
def tools(monkeypatch: pytest.MonkeyPatch):
    """The modules of tools/, which are no package, imported as its scripts do."""
    monkeypatch.syspath_prepend(str(TOOLS))
    yield
    for name in [name for name, module in sys.modules.items() if str(TOOLS) in str(getattr(module, "__file__", ""))]:
        del sys.modules[name]


def outputs(folder: Path, text: str, training: bool, names: list[str]) -> list[np.ndarray]:
    from net_steps import Task, make_step

    (folder / "net.prototxt").write_text(text)
    task = Task(str(folder / "net.prototxt"), 2, None, training, 2)
    return [make_step(name, task).output() for name in names]


@pytest.mark.parametrize("mode", ["nchw", "channels_last"])
@pytest.mark.parametrize("training", [False, True])
def test_pytorchs_net_agrees(tmp_path: Path, tools: None, mode: str, training: bool) -> None:
    pytest.importorskip("torch")
    text = HEAD + LABEL + TRAIN if training else HEAD + TEST
    ours, theirs = outputs(tmp_path, text, training, ["cafpy", mode])
    np.testing.assert_allclose(theirs, ours, rtol=1e-4, atol=1e-6)


def test_onnx_runtimes_net_agrees(tmp_path: Path, tools: None) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    ours, theirs = outputs(tmp_path, HEAD + TEST, False, ["cafpy", "onnxruntime"])
    np.testing.assert_allclose(theirs, ours, rtol=1e-4, atol=1e-6)


def test_shared_memory_changes_nothing(tmp_path: Path, tools: None) -> None:
    ours, apart = outputs(tmp_path, HEAD + TEST, False, ["cafpy", "cafpy_apart"])
    np.testing.assert_array_equal(apart, ours)


def test_data_layers_become_inputs_of_the_batch(tmp_path: Path, tools: None) -> None:
    from net_steps import Task, net_of

    (tmp_path / "net.prototxt").write_text(
        'layer { name: "d" type: "Data" top: "data" top: "label" data_param { source: "x" batch_size: 7 } }'
    )
    layer = net_of(Task(str(tmp_path / "net.prototxt"), 3, (4, 5, 5), True, 1)).layer[0]
    assert layer.type == "Input"
    assert [list(shape.dim) for shape in layer.input_param.shape] == [[3, 4, 5, 5], [3]]
    with pytest.raises(ValueError, match="--shape 3,224,224"):
        net_of(Task(str(tmp_path / "net.prototxt"), 3, None, True, 1))


def test_the_log_of_caffe_time_is_read(tools: None) -> None:
    from caffe_time import average

    log = (
        "I0101 00:00:00.000000 1 caffe.cpp:397] Average Forward pass: 12.5 ms.\n"
        "I0101 00:00:00.000000 1 caffe.cpp:399] Average Backward pass: 20 ms.\n"
        "I0101 00:00:00.000000 1 caffe.cpp:401] Average Forward-Backward: 33.25 ms.\n"
    )
    assert average(log, training=True) == 33.25
    assert average(log, training=False) == 12.5
    with pytest.raises(ValueError, match="no line"):
        average("F0101 no such layer", training=True)


def test_caffes_program_is_run_on_the_net(tmp_path: Path, tools: None) -> None:
    from caffe_time import run_caffe_time
    from net_steps import Task, net_of

    program = tmp_path / "caffe"
    program.write_text(
        '#!/bin/sh\ngrep -q "dim: 9" "$3" || exit 1\necho "] Average Forward pass: $5.5 ms." >&2\n'
    )  # $3: the net, $5: the iterations
    program.chmod(0o755)
    (tmp_path / "net.prototxt").write_text(HEAD)
    net = net_of(Task(str(tmp_path / "net.prototxt"), 9, None, False, 1))
    assert run_caffe_time(str(program), net, training=False, iterations=4) == 4.5
