"""Recorded layers: one npz a case, with the layer's prototxt, its bottoms, and all that came out."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from cafpy.backend import Backend
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.text import parse
from cafpy.testing.golden.outcome import Comparison, Outcome, run_case
from cafpy.testing.harness import Harness

# arrays in which cafpy differs from Caffe on purpose
DIFFERENCES = {
    # Caffe sets the gradient to `scale` before it multiplies it with the gradient from above, which in place is the
    # same memory: scale² comes out, whatever came from above
    "Power__affine_inplace": ("bottom_diff_0",),
}


def run_layer(path: Path, backend: Backend) -> Outcome:
    """Run ``<Type>__<what>.npz``; paths inside its prototxt count from its folder."""
    path = path.resolve()

    def run(compare: Comparison) -> None:
        with np.load(path) as file, contextlib.chdir(path.parent):
            left_out = DIFFERENCES.get(path.stem, ())
            arrays = {key: file[key] for key in file.files if key not in left_out}
            LayerRecord(arrays, path.name).replay(backend, compare)

    return run_case(path.name.split("__")[0], path.stem, run)


class LayerRecord:
    """One recorded layer: forward passes before, one forward and one backward."""

    def __init__(self, arrays: dict[str, np.ndarray], filename: str):
        self.arrays = arrays
        self.meta = json.loads(str(arrays["meta"]))
        self.param = parse(str(arrays["prototxt"]), pb.NetParameter(), filename).layer[0]
        self.phase = pb.Phase.Value(str(arrays["phase"]))

    def series(self, prefix: str) -> dict[int, np.ndarray]:
        """The arrays ``<prefix>_<i>`` by ``i``."""
        stems = ((key.rpartition("_"), value) for key, value in self.arrays.items())
        return {int(i): value for (stem, _, i), value in stems if stem == prefix and i.isdigit()}

    def replay(self, backend: Backend, compare: Comparison) -> None:
        """Run everything and compare everything."""
        first = self.series("pre0_bottom") or self.series("bottom")
        harness = Harness(self.param, [first[i] for i in sorted(first)], backend, self.phase)
        try:
            self._set_params(harness, compare)
            for k in range(self.meta["n_pre"]):
                self._forward(harness, compare, f"pre{k}_")
            self._forward(harness, compare, "")
            for i, recorded in self.series("param_after").items():
                compare.array(f"parameter {i} after forward", harness.data(harness.layer.blobs)[i], recorded)
            compare.array("loss_weights", harness.layer.loss_weights, self.arrays["loss_weights"])
            if "loss" in self.arrays:
                self._compare_loss(harness, compare)
            if self.meta["backward"]:
                self._backward(harness, compare)
        finally:
            harness.close()

    def _set_params(self, harness: Harness, compare: Comparison) -> None:
        blobs = harness.layer.blobs
        params = self.series("param")
        compare.equal("shapes of parameters", [b.shape for b in blobs], [params[i].shape for i in sorted(params)])
        for i, recorded in self.series("param_init").items():
            compare.array(f"parameter {i} as filled", harness.data(blobs)[i], recorded)
        for i, values in params.items():
            harness.layer.backend.upload(blobs[i].data, values)

    def _forward(self, harness: Harness, compare: Comparison, prefix: str) -> None:
        for i, values in self.series(f"{prefix}bottom").items():
            harness.set_bottom(i, self._fed(i, values))
        tops = harness.forward()
        for i, recorded in self.series(f"{prefix}top").items():
            if self.meta.get("stochastic"):
                self._compare_masked(tops[i], recorded, compare)
            else:
                compare.array(f"{prefix}top {i}", tops[i], recorded)

    def _fed(self, index: int, values: np.ndarray) -> np.ndarray:
        """What Caffe's layer was given: bottoms that came from Parameter layers were zeros again in its forward pass,
        whatever had been put into them before."""
        propagated = self.arrays.get("propagated")
        from_parameter = self.meta["mode"] == "param" and propagated is not None and propagated[index]
        return np.zeros_like(values) if from_parameter else values

    def _compare_masked(self, top: np.ndarray, recorded: np.ndarray, compare: Comparison) -> None:
        """Random zeros: what is kept must be scaled as recorded, and about as much must be kept as was."""
        bottom = self.arrays["bottom_0"]
        self.scale = float(np.median(recorded[recorded != 0] / bottom[recorded != 0]))
        self.mask = top != 0
        compare.array("top 0, where it is not zero", top, bottom * self.scale * self.mask)
        kept, once = self.mask.mean(), (recorded != 0).mean()
        spread = 5 * np.sqrt(2 * once * (1 - once) / top.size)
        if abs(kept - once) > spread:
            compare.problems.append(f"keeps {kept:.3f} of its input, recorded is {once:.3f} ± {spread:.3f}")

    def _compare_loss(self, harness: Harness, compare: Comparison) -> None:
        tops = harness.data(harness.top)
        loss = sum(float(w) * top.sum() for w, top in zip(harness.layer.loss_weights, tops, strict=True) if w)
        compare.array("loss", loss, self.arrays["loss"])

    def _backward(self, harness: Harness, compare: Comparison) -> None:
        propagated = [bool(p) for p in self.arrays["propagated"]]
        for blob in harness.bottom:
            blob.diff[...] = np.nan
        for i, weight in enumerate(harness.layer.loss_weights):
            if weight and not self.meta["inplace"]:
                given = harness.diff(harness.top)[i]
                compare.array(f"loss weight in top diff {i}", given, np.broadcast_to(np.float32(weight), given.shape))
        for i, values in self.series("top_diff").items():
            harness.set_top_diff(i, values)
        self._start_param_diffs(harness)
        harness.backward(propagated)
        self._compare_diffs(harness, compare, propagated)

    def _start_param_diffs(self, harness: Harness) -> None:
        harness.clear_param_diffs()
        for i, values in self.series("param_diff_init").items():
            harness.layer.backend.upload(harness.layer.blobs[i].diff, values)

    def _compare_diffs(self, harness: Harness, compare: Comparison, propagated: list[bool]) -> None:
        bottoms: list[Any] = harness.diff(harness.bottom)
        for i, recorded in self.series("bottom_diff").items():
            if self.meta.get("stochastic"):
                recorded = self.arrays[f"top_diff_{i}"] * self.scale * self.mask
            compare.array(f"bottom diff {i}", bottoms[i], recorded)
        for i, wanted in enumerate(propagated):
            in_place = any(blob is harness.bottom[i] for blob in harness.top)
            if not wanted and not in_place and not np.isnan(bottoms[i]).all():
                compare.problems.append(f"bottom diff {i} is written without being asked for")
        for i, recorded in self.series("param_diff").items():
            compare.array(f"parameter diff {i}", harness.diff(harness.layer.blobs)[i], recorded)
