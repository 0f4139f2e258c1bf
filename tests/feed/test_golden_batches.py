"""What Caffe's Data layer gave, batch for batch."""

import os
from pathlib import Path

import numpy as np
import pytest
from google.protobuf import text_format

from cafpy.feed.reader import BatchReader
from cafpy.feed.source import DatabaseSource
from cafpy.feed.transformer import Transformer
from cafpy.proto import cafpy_pb2 as pb

SMALL = Path(__file__).parents[1] / "golden" / "data"
KIT = Path(os.environ.get("CAFPY_GOLDEN", Path(__file__).parents[3] / "shared" / "golden")) / "data"
JPEG_LEVELS = 2  # what decoders may differ by
FILES = [*SMALL.glob("batches/Data__*.npz"), *sorted(KIT.glob("batches/Data__*.npz"))]
STOCHASTIC = {"Data__test_random_mirror", "Data__train_random_crop_mirror"}


def batches(file, monkeypatch):
    """The case's reader and its batches as Caffe had them."""
    case = np.load(file)
    monkeypatch.chdir(file.parents[1])
    layer = text_format.Parse(str(case["prototxt"]), pb.NetParameter()).layer[0]
    data = layer.data_param
    if data.backend == pb.DataParameter.LEVELDB:
        pytest.importorskip("plyvel")
    reader = BatchReader(
        DatabaseSource(data.source, data.backend),
        data.batch_size,
        Transformer(layer.transform_param, pb.Phase.Value(str(case["phase"]))),
        prefetch=data.prefetch,
    )
    count = sum(name.endswith("__t0") and name.startswith("batch") for name in case)
    return reader, layer, [(case[f"batch{k}__t0"], case.get(f"batch{k}__t1")) for k in range(count)]


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parents[2].name}-{file.stem}")
def test_data_layer(file, monkeypatch):
    reader, layer, wanted = batches(file, monkeypatch)
    assert reader.shape == wanted[0][0].shape
    jpeg = "encoded" in layer.data_param.source and "png" not in layer.data_param.source
    levels = JPEG_LEVELS * abs(layer.transform_param.scale) if jpeg else 0
    for wanted_data, wanted_labels in wanted:
        data, labels = reader.next()
        if wanted_labels is not None:
            np.testing.assert_array_equal(labels, wanted_labels)
        if file.stem in STOCHASTIC:
            assert_windows(data, layer, file)
        else:
            assert data.shape == wanted_data.shape
            assert np.abs(data - wanted_data).max() <= levels
    reader.close()


def assert_windows(data, layer, file):
    """Each item is a window of the plain image, the middle one in phase TEST, or its mirror image."""
    plain = BatchReader(
        DatabaseSource(layer.data_param.source), len(data), Transformer(pb.TransformationParameter(), 1)
    )
    images, _ = plain.next()
    size = data.shape[-1]
    for image, item in zip(images, data, strict=True):
        windows = np.lib.stride_tricks.sliding_window_view(image, (size, size), (1, 2))
        if "test" in file.stem:
            windows = windows[:, 4:5, 7:8]
        same = [(windows == one[:, None, None]).all((0, 3, 4)).any() for one in (item, item[:, :, ::-1])]
        assert any(same)
    plain.close()


def test_golden_cases_are_there():
    assert len(list(SMALL.glob("batches/Data__*.npz"))) == 2
    if KIT.is_dir():
        assert len(FILES) > 35


def test_images_of_the_small_kit(monkeypatch):
    """Raw colour records, pixel for pixel as Caffe's ImageData read the files that they were made of."""
    monkeypatch.chdir(SMALL)
    case = np.load("batches/ImageData__space_in_name.npz")
    reader = BatchReader(DatabaseSource("lmdb_spaces"), 2, Transformer(pb.TransformationParameter(), pb.TEST))
    data, labels = reader.next()
    np.testing.assert_array_equal(data, case["batch0__t0"])
    np.testing.assert_array_equal(labels, case["batch0__t1"])
    reader.close()
