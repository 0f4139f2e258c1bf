"""`cafpy data` from end to end."""

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from cafpy.cli import main
from cafpy.feed.backends import create_database
from cafpy.feed.convert.arrays import convert_arrays
from cafpy.proto.binary import read_mean

NET = """
layer { name: "images" type: "Data" top: "data" top: "label" include { phase: TRAIN }
  transform_param { mean_value: 10 mean_value: 20 mean_value: 30 scale: 0.5 }
  data_param { source: "db" batch_size: 4 backend: LMDB } }
layer { name: "sink" type: "Silence" bottom: "data" bottom: "label" }
"""


def data(*args: object, code: int = 0) -> str:
    result = CliRunner().invoke(main, ["data", *map(str, args)])
    assert result.exit_code == code, result.output
    return result.output


@pytest.fixture
def images(tmp_path, monkeypatch):
    """Working directory with the database db of ten images of 3×6×8 (the last two alike); the images."""
    monkeypatch.chdir(tmp_path)
    made = np.random.default_rng(0).integers(0, 256, (10, 3, 6, 8)).astype(np.uint8)
    made[9] = made[8]
    convert_arrays(made, [0, 1, 3, 0, 1, 3, 0, 1, 0, 1], "db")
    return made


def test_check(images, tmp_path):
    (tmp_path / "labels.txt").write_text("ant\nhoney bee\n")
    convert_arrays(images[:2], [0, 3], "test")
    means = ", ".join(f"{mean:.2f}" for mean in images.mean(axis=(0, 2, 3)))
    lines = data("check", "db", "--against", "test").splitlines()
    assert lines[0].startswith("db: 10 records, LMDB, ")
    assert lines[1:] == [
        "  images: 3×6×8 (channels × height × width), pixels",
        f"  mean of each channel: {means}",
        "  label    records  class",
        "      0          4  ant        " + "▪" * 30,
        "      1          4  honey bee  " + "▪" * 30,
        "      3          2             " + "▪" * 15,
        "  labels that no record has: 2",
        "  labels without a name: 3",
        "  images that come twice: 1, 1 of them with another label",
        "    '00000009' is '00000008' (label 1, there 0)",
        "  images that are in test, too: 2, 1 of them with another label",
        "    '00000001' is '00000001' (label 1, there 3)",
        "    '00000000' is '00000000'",
        "  corrupt: 0",
    ]


def test_check_fails_on_corrupt_records(images):
    with create_database("bad") as database:
        database.put(b"one", b"\xff\xff")
    output = data("check", "bad", code=1)
    assert "  corrupt: 1\n    'one' its 2 bytes are no Datum message" in output
    assert output.endswith("Error: bad: 1 of 1 records are corrupt\n")


def test_mean(images):
    mean = images.mean(axis=0)
    values = " ".join(f"mean_value: {value:.4f}" for value in mean.mean(axis=(1, 2)))
    assert data("mean", "db", "mean.binaryproto") == (
        'mean.binaryproto: 3×6×8; transform_param { mean_file: "mean.binaryproto" }\n'
        f"mean of each channel: transform_param {{ {values} }}\n"
    )
    np.testing.assert_allclose(read_mean("mean.binaryproto"), mean, rtol=1e-6)


def test_split(images):
    assert data("split", "db", "a", "b", "--split", "50/50") == (
        "a: 5 records of 3×6×8\n  label    records\n      0          2\n      1          2\n      3          1\n"
        "b: 5 records of 3×6×8\n  label    records\n      0          2\n      1          2\n      3          1\n"
    )


def tiles(path, size=16):
    """The tiles of a square contact sheet, H×W×3."""
    sheet = cv2.imread(str(path))
    count = sheet.shape[1] // (size + 4)
    rows, columns = np.divmod(np.arange(sheet.shape[0] // (size + 18) * count), count)
    return [
        sheet[4 + r * (size + 18) :, 4 + c * (size + 4) :][:size, :size] for r, c in zip(rows, columns, strict=True)
    ]


def test_show_records(images):
    assert data("show", "db", "--count", 4, "--start", 2, "--size", 16) == "sheet.png: 4 images\n"
    shown = tiles("sheet.png")
    for image, tile in zip(images[2:6], shown, strict=True):
        assert np.array_equal(tile[2:14:2, ::2], image.transpose(1, 2, 0))  # twice as large, in the middle
    data("show", "db", "--count", 1, "--size", 16, "--rgb", "--out", "one.png")
    assert np.array_equal(tiles("one.png")[0][2:14:2, ::2], images[0][::-1].transpose(1, 2, 0))
    data("show", "db", "--random", "--out", "random.png")
    assert data("show", "db", "--start", 10, code=1) == (
        "Error: the database 'db' has 10 records; there is none at 10\n"
    )


def test_show_a_batch(images, tmp_path):
    (tmp_path / "net.prototxt").write_text(NET)
    assert data("show", "--model", "net.prototxt", "--count", 9, "--size", 16) == "sheet.png: 9 images\n"
    for image, tile in zip(images[:9], tiles("sheet.png"), strict=True):
        assert np.abs(tile[2:14:2, ::2].astype(int) - image.transpose(1, 2, 0)).max() <= 1
    assert data("show", "--model", "net.prototxt", "--layer", "image", code=1) == (
        "Error: the net has no data layer 'image' (did you mean 'images'?) in phase TRAIN; there are images\n"
    )
    assert data("show", "--model", "net.prototxt", "--phase", "TEST", code=1).startswith("Error: ")
    assert "give a DATABASE, or a net with --model" in data("show", code=2)
