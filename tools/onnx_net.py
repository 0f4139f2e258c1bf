"""The same net as an ONNX model, built from the same prototxt: what ONNX Runtime is given in the benchmarks.

Only what the benchmarked deploy nets hold is here. Dropout and Split vanish; ONNX Runtime folds BatchNormalization into
convolutions and fuses rectifiers by itself.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from cafpy.net import Net
from cafpy.wiring import Node

_OPSET = 22


def onnx_model(net: Net) -> onnx.ModelProto:
    """The net, built for phase TEST, with its parameters; its last layer's top is the output.

    Raises NotImplementedError for a layer type that is not here.
    """
    graph = _Graph()
    for node in net.nodes:
        graph.add(node)
    inputs = [_value(name, net.blobs[name].shape) for name in net.inputs]
    last = net.nodes[-1].top[0]
    output = _value(graph.alias.get(last, last), net.blobs[last].shape)
    made = helper.make_graph(graph.nodes, net.name or "net", inputs, [output], graph.values)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    return model


def _value(name: str, shape: tuple[int, ...]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


class _Graph:
    """Nodes and parameters so far; ``alias`` says under which name a blob's present value goes."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.values: list[onnx.TensorProto] = []
        self.alias: dict[str, str] = {}
        self.count = 0

    def add(self, node: Node) -> None:
        kind = node.param.type
        bottom = [self.alias.get(name, name) for name in node.bottom]
        if kind in ("Input", "Silence"):
            return
        if kind in ("Split", "Dropout"):
            self.alias.update(dict.fromkeys(node.top, bottom[0]))
            return
        make = getattr(self, f"_{kind.lower()}", None)
        if make is None:
            raise NotImplementedError(f"tools/onnx_net.py has no {kind} layer")
        self.alias[node.top[0]] = make(node, bottom)

    def op(self, kind: str, inputs: list[str], **attributes: object) -> str:
        name = f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], name=name, **attributes))
        return name

    def value(self, array: np.ndarray) -> str:
        self.count += 1
        name = f"value_{self.count}"
        self.values.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def params(self, node: Node) -> list[str]:
        return [self.value(blob.data) for blob in node.layer.blobs]

    # -- one method a layer type -------------------------------------------------------------------------------

    def _convolution(self, node: Node, bottom: list[str]) -> str:
        p = node.layer.options
        pads = _pair(p, "pad", 0)
        dilation = list(p.dilation) or [1]
        return self.op(
            "Conv",
            [bottom[0], *self.params(node)],
            kernel_shape=node.layer.blobs[0].shape[2:],
            strides=_pair(p, "stride", 1),
            pads=[*pads, *pads],
            dilations=dilation * 2 if len(dilation) == 1 else dilation,
            group=p.group,
        )

    def _innerproduct(self, node: Node, bottom: list[str]) -> str:
        flat = self.op("Flatten", bottom, axis=node.layer.options.axis)
        return self.op("Gemm", [flat, *self.params(node)], transB=1)

    def _pooling(self, node: Node, bottom: list[str]) -> str:
        p = node.layer.options
        kind = "MaxPool" if p.pool == p.MAX else "AveragePool"
        if p.global_pooling:
            return self.op(f"Global{kind}", bottom)
        pads = [p.pad_h, p.pad_w] if p.HasField("pad_h") else [p.pad] * 2
        kernel = [p.kernel_h, p.kernel_w] if p.HasField("kernel_h") else [p.kernel_size] * 2
        strides = [p.stride_h, p.stride_w] if p.HasField("stride_h") else [p.stride] * 2
        more = {"count_include_pad": 1} if kind == "AveragePool" and any(pads) else {}
        ceil = int(p.round_mode == p.CEIL)
        return self.op(kind, bottom, kernel_shape=kernel, strides=strides, pads=pads * 2, ceil_mode=ceil, **more)

    def _relu(self, node: Node, bottom: list[str]) -> str:
        slope = node.layer.options.negative_slope
        return self.op("LeakyRelu", bottom, alpha=slope) if slope else self.op("Relu", bottom)

    def _relu6(self, node: Node, bottom: list[str]) -> str:
        return self.op("Clip", [bottom[0], self.value(np.float32(0)), self.value(np.float32(6))])

    def _sigmoid(self, node: Node, bottom: list[str]) -> str:
        return self.op("Sigmoid", bottom)

    def _tanh(self, node: Node, bottom: list[str]) -> str:
        return self.op("Tanh", bottom)

    def _lrn(self, node: Node, bottom: list[str]) -> str:
        p = node.layer.options
        if p.norm_region == p.ACROSS_CHANNELS:
            return self.op("LRN", bottom, size=p.local_size, alpha=p.alpha, beta=p.beta, bias=p.k)
        side, pad = p.local_size, p.local_size // 2
        square = self.op("Mul", bottom * 2)
        mean = self.op("AveragePool", [square], kernel_shape=[side] * 2, pads=[pad] * 4, count_include_pad=1)
        scaled = self.op("Add", [self.op("Mul", [mean, self.value(np.float32(p.alpha))]), self.value(np.float32(1))])
        return self.op("Mul", [bottom[0], self.op("Pow", [scaled, self.value(np.float32(-p.beta))])])

    def _batchnorm(self, node: Node, bottom: list[str]) -> str:
        mean, variance, factor = (blob.data for blob in node.layer.blobs)
        one, zero = np.ones_like(mean), np.zeros_like(mean)
        values = [self.value(x) for x in (one, zero, mean / factor, variance / factor)]
        return self.op("BatchNormalization", [bottom[0], *values], epsilon=node.layer.options.eps)

    def _scale(self, node: Node, bottom: list[str]) -> str:
        before = self.nodes[-1]
        weights = [blob.data for blob in node.layer.blobs]
        if before.op_type == "BatchNormalization" and before.output[0] == bottom[0]:
            stale = set(before.input[1:3])
            self.values = [value for value in self.values if value.name not in stale]
            before.input[1:3] = [self.value(w) for w in weights]
            return bottom[0]
        shaped = [self.value(w.reshape(-1, 1, 1)) for w in weights]
        out = self.op("Mul", [bottom[0], shaped[0]])
        return self.op("Add", [out, shaped[1]]) if len(shaped) == 2 else out

    def _eltwise(self, node: Node, bottom: list[str]) -> str:
        p = node.layer.options
        if p.coeff and set(p.coeff) != {1}:
            raise NotImplementedError("tools/onnx_net.py has no Eltwise layer with coefficients")
        kind = {p.SUM: "Add", p.PROD: "Mul", p.MAX: "Max"}[p.operation]
        out = bottom[0]
        for other in bottom[1:]:
            out = self.op(kind, [out, other])
        return out

    def _concat(self, node: Node, bottom: list[str]) -> str:
        return self.op("Concat", bottom, axis=node.layer.options.axis)

    def _flatten(self, node: Node, bottom: list[str]) -> str:
        return self.op("Flatten", bottom, axis=node.layer.options.axis)

    def _softmax(self, node: Node, bottom: list[str]) -> str:
        return self.op("Softmax", bottom, axis=node.layer.options.axis)


def _pair(p: object, name: str, default: int) -> list[int]:
    if p.HasField(f"{name}_h") or p.HasField(f"{name}_w"):
        return [getattr(p, f"{name}_h"), getattr(p, f"{name}_w")]
    values = list(getattr(p, name)) or [default]
    return values * 2 if len(values) == 1 else values
