"""One step of a net, forward alone or forward, backward and update, by cafpy and by those it is measured against.

A :class:`Task` says what to run; `make_step(name, task)` builds a competitor of that name:

- "cafpy" as `cafpy train` and `cafpy test` run it, and "cafpy_apart" without blobs that share memory
  (`--no-share-memory`)
- PyTorch's "nchw", "channels_last" and "compile" (channels last and torch.compile; for inference with frozen weights,
  which lets it fold BatchNorm away and pack weights)
- "onnxruntime" (inference only)
- "caffe" (pycaffe)

All get the same prototxt, the same parameters and the same random data, so that their outputs can be compared before
they are timed.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cafpy.backend import Backend, CpuBackend
from cafpy.net import Net
from cafpy.passes.upgrade import upgrade_net
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.text import read_net

TORCH_MODES = ("nchw", "channels_last", "compile")


@dataclass(frozen=True)
class Task:
    """What is run: a prototxt, the images in a batch, the shape of one (None: as the file says), the phase, threads."""

    model: str
    batch: int
    shape: tuple[int, ...] | None
    training: bool
    threads: int


def net_of(task: Task) -> pb.NetParameter:
    """The net with Input layers of this batch in place of its data layers."""
    out, _ = upgrade_net(read_net(Path(task.model)))
    for layer in out.layer:
        if layer.bottom or layer.type in ("DummyData", "Parameter"):
            continue
        shape = task.shape or _own_shape(layer)
        others = [tuple(s.dim[1:]) for s in layer.input_param.shape][1:]
        layer.type = "Input"
        layer.ClearField("input_param")
        for i in range(len(layer.top)):
            rest = shape if i == 0 else others[i - 1] if i <= len(others) else ()
            layer.input_param.shape.add(dim=(task.batch, *rest))
    return out


def _own_shape(layer: pb.LayerParameter) -> tuple[int, ...]:
    if layer.input_param.shape:
        return tuple(layer.input_param.shape[0].dim[1:])
    side = layer.transform_param.crop_size
    if not side:
        raise ValueError(f"layer '{layer.name}' tells no image size; say it, as in --shape 3,224,224")
    return 3, side, side


def fill_parameters(net: Net) -> None:
    """Numbers that keep a net's values in bounds, the same ones for the same net: a deploy file has no fillers."""
    for index, node in enumerate(net.nodes):
        rng = np.random.default_rng(index)
        for i, blob in enumerate(node.layer.blobs):
            if node.param.type == "BatchNorm":  # mean, variance, and what both are divided by
                values = rng.normal(0, 0.1, blob.shape) if i == 0 else rng.uniform(0.5, 1.5, blob.shape)
                blob.data[...] = values if i < 2 else 1
            elif node.param.type == "Scale":
                blob.data[...] = rng.normal(0, 0.1, blob.shape) if i else rng.uniform(0.5, 0.9, blob.shape)
            elif i == 0 and blob.ndim > 1:
                blob.data[...] = rng.standard_normal(blob.shape, np.float32) * (2 * blob.shape[0] / blob.count) ** 0.5
            else:
                blob.data[...] = rng.uniform(0, 0.1, blob.shape)


def build(task: Task, backend: Backend, share_memory: bool = False) -> Net:
    """The net with its parameters and data, equal in every process."""
    phase = pb.TRAIN if task.training else pb.TEST
    net = Net(net_of(task), phase, backend=backend, seed=1, share_memory=share_memory)
    fill_parameters(net)
    rng = np.random.default_rng(0)
    for i, name in enumerate(net.inputs):
        blob = net.blobs[name]
        blob.data[...] = rng.integers(0, 2, blob.shape) if i else rng.standard_normal(blob.shape, np.float32)
    return net


class CafpyStep:
    """cafpy: SGD with momentum and weight decay, as `cafpy train` runs it."""

    def __init__(self, task: Task, share_memory: bool = True):
        from cafpy.ops.update import FlatParameters
        from cafpy.solvers.update_rule import update_rule

        self.net = build(task, CpuBackend(task.threads), share_memory)
        self.training = task.training
        if self.training:
            param = pb.SolverParameter(type="SGD", momentum=0.9)
            self.flat = FlatParameters(*self.net.arena(), [p.blob.count for p in self.net.learnable])
            self.flat.rates[:], self.flat.decays[:] = 1e-5, 5e-4
            self.rule, self.history = update_rule(param), [np.zeros_like(self.flat.data)]

    def __call__(self) -> None:
        if not self.training:
            self.net.forward()
            return
        self.net.clear_param_diffs()
        self.net.forward()
        self.net.backward()
        self.rule.update(self.net.backend, self.flat, self.history, 1)

    def output(self) -> np.ndarray:
        """The loss while training, the last output otherwise, of a forward pass."""
        self.net.forward()
        if self.training:
            return np.array(self.net.loss())
        return self.net.nodes[-1].top_blobs[0].data.copy()


class TorchStep:
    """PyTorch, its SGD fused into one pass: its fastest."""

    def __init__(self, task: Task, mode: str):
        import torch
        from torch_net import TorchNet

        torch.set_num_threads(task.threads)
        if mode == "compile" and not task.training:
            import torch._inductor.config

            torch._inductor.config.freezing = True
        layout = torch.contiguous_format if mode == "nchw" else torch.channels_last
        net = build(task, Backend())
        module = TorchNet(net.param, {name: blob.shape for name, blob in net.blobs.items()})
        module.load(net)
        module = module.train(task.training).to(memory_format=layout)
        self.inputs = [torch.from_numpy(net.blobs[name].data.copy()) for name in net.inputs]
        self.inputs = [x.contiguous(memory_format=layout) if x.dim() == 4 else x for x in self.inputs]
        self.optimizer = None
        if task.training:
            self.optimizer = torch.optim.SGD(module.parameters(), 1e-5, 0.9, weight_decay=5e-4, fused=True)
        self.module = torch.compile(module) if mode == "compile" else module
        # torch.compile's frozen weights want no_grad; in eager mode inference_mode is the faster of both
        self.no_grad = torch.no_grad if mode == "compile" else torch.inference_mode

    def __call__(self) -> None:
        if self.optimizer is None:
            with self.no_grad():
                self.module(*self.inputs)
            return
        self.optimizer.zero_grad()
        self.module(*self.inputs).backward()
        self.optimizer.step()

    def output(self) -> np.ndarray:
        """As :meth:`CafpyStep.output`."""
        with self.no_grad():
            return self.module(*self.inputs).numpy().copy()

    def layer_times(self) -> dict[str, tuple[float, float]]:
        """Seconds of each convolution and product by itself, forward and backward, by the layer's name."""
        from torch_layers import layer_times

        return layer_times(self.module, self.inputs)


class OnnxStep:
    """ONNX Runtime as it comes: all graph optimisations, all cores."""

    def __init__(self, task: Task):
        import onnxruntime
        from onnx_net import onnx_model

        net = build(task, Backend())
        options = onnxruntime.SessionOptions()
        if task.threads != len(os.sched_getaffinity(0)):
            options.intra_op_num_threads = task.threads
        model = onnx_model(net).SerializeToString()
        self.session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self.inputs = {name: net.blobs[name].data.copy() for name in net.inputs}

    def __call__(self) -> None:
        self.session.run(None, self.inputs)

    def output(self) -> np.ndarray:
        """As :meth:`CafpyStep.output`."""
        return self.session.run(None, self.inputs)[0]


class CaffeStep:
    """Caffe by pycaffe: forward and backward, without an update."""

    def __init__(self, task: Task):
        import caffe
        from caffe_time import caffe_prototxt

        with caffe_prototxt(net_of(task)) as file:
            self.net = caffe.Net(file, caffe.TRAIN if task.training else caffe.TEST)
        ours = build(task, Backend())
        for name, blobs in ours.params.items():
            for target, blob in zip(self.net.params[name], blobs, strict=True):
                target.data[...] = blob.data
        for name in ours.inputs:
            self.net.blobs[name].data[...] = ours.blobs[name].data
        self.training = task.training

    def __call__(self) -> None:
        self.net.forward()
        if self.training:
            self.net.backward()

    def output(self) -> np.ndarray:
        """As :meth:`CafpyStep.output`, for a net with one output."""
        return np.array(next(iter(self.net.forward().values())))


def make_step(name: str, task: Task) -> Any:
    """The competitor of this name, ready for its first step."""
    if name in TORCH_MODES:
        return TorchStep(task, name)
    if name == "cafpy_apart":
        return CafpyStep(task, share_memory=False)
    return {"cafpy": CafpyStep, "onnxruntime": OnnxStep, "caffe": CaffeStep}[name](task)
