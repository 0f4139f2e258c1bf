"""Recorded batches of data layers, and mean files."""

from __future__ import annotations

import contextlib
import json
import re
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from cafpy.backend import Backend
from cafpy.net import Net
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.text import parse
from cafpy.testing.golden.outcome import Comparison, Outcome, run_case

Recording = dict[str, np.ndarray]


def run_batches(path: Path, backend: Backend) -> Iterator[Outcome]:
    """Read the recorded batches again; paths count from the folder above the recording's."""
    path = path.resolve()

    def run(compare: Comparison) -> None:
        with np.load(path) as file:
            recording = {key: file[key] for key in file.files}
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(path.parents[1]):
            param = parse(str(recording["prototxt"]), pb.NetParameter())
            for layer in param.layer:
                if layer.type == "HDF5Output":
                    layer.hdf5_output_param.file_name = f"{folder}/output.h5"
            with closing(Net(param, pb.Phase.Value(str(recording["phase"])), backend=backend)) as net:
                _compare_batches(net, recording, path, compare)
            if (Path(folder) / "output.h5").exists():
                _compare_output(Path(folder) / "output.h5", recording, compare)

    if path.stem != "means":
        yield run_case(f"data {path.stem.split('__')[0]}", path.stem, run)


def _compare_batches(net: Net, recording: Recording, path: Path, compare: Comparison) -> None:
    tops = json.loads(str(recording["top_names"]))
    for top in tops:
        compare.equal(f"shape of '{top}' when built", net.blobs[top].shape, tuple(recording[f"setup_shape__{top}"]))
    if "array_data" in recording:
        net.layers[0].set_arrays(recording["array_data"], recording["array_label"])  # type: ignore[attr-defined]
    note = str(recording.get("note", ""))
    count = sum(key.endswith(f"__{tops[0]}") for key in recording if key.startswith("batch"))
    for k in range(count):
        net.forward()
        net.backend.raise_pending()
        for i, top in enumerate(tops):
            ours, theirs = net.backend.to_host(net.blobs[top].data), recording[f"batch{k}__{top}"]
            if i == 0 and note.startswith("stochastic"):
                _compare_windows(ours, path.with_name("Data__plain.npz"), "centre" in note, k, compare)
            else:
                compare.array(f"batch {k} of '{top}'", ours, theirs)


def _compare_windows(ours: np.ndarray, plain: Path, centre: bool, k: int, compare: Comparison) -> None:
    """Random crops: each item must be a window of its plain image, mirrored or not; some, but not all, mirrored."""
    images = _all_images(plain)
    mirrored = 0
    for i, item in enumerate(ours):
        image = images[(k * len(ours) + i) % len(images)]
        windows = np.lib.stride_tricks.sliding_window_view(image, item.shape)[0]
        if centre:
            y, x = ((n - 1) // 2 for n in windows.shape[:2])
            windows = windows[y : y + 1, x : x + 1]
        found = [(windows == view).all(axis=(2, 3, 4)).any() for view in (item, item[:, :, ::-1])]
        mirrored += bool(found[1])
        if not any(found):
            compare.problems.append(f"item {i} of batch {k} is no window of its image")
    if mirrored in (0, len(ours)):
        compare.problems.append(f"{mirrored} of {len(ours)} items of batch {k} are mirrored; that is not at random")


def _all_images(path: Path) -> np.ndarray:
    """The images of a database: a recording's batches in a row, up to where the first image comes again."""
    with np.load(path) as file:
        images = np.concatenate([file[key] for key in sorted(file.files) if re.fullmatch(r"batch\d__t0", key)])
    again = [i for i in range(1, len(images)) if np.array_equal(images[i], images[0])]
    return images[: again[0]] if again else images


def _compare_output(path: Path, recording: Recording, compare: Comparison) -> None:
    """What HDF5Output wrote: the batch, each dataset with four axes."""
    with h5py.File(path) as file:
        for top in json.loads(str(recording["top_names"])):
            theirs: Any = recording[f"batch0__{top}"]
            shape = theirs.shape + (1,) * (4 - theirs.ndim)
            compare.array(f"dataset '{top}'", np.asarray(file[top]), theirs.reshape(shape))
