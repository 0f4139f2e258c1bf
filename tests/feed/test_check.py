import numpy as np
import pytest

from cafpy.errors import DataError
from cafpy.feed.check import Duplicate, check_database
from cafpy.feed.convert.arrays import convert_arrays
from cafpy.feed.image import encode_image
from cafpy.proto import cafpy_pb2 as pb


def test_what_is_in_a_database(make_database, pixels, backend):
    images = [pixels(3, 4, 5), pixels(3, 4, 5), pixels(3, 6, 5)]
    images.append(pb.Datum(data=encode_image(images[0], "png"), encoded=True, label=5))
    report = check_database(make_database("db", images, backend))
    assert (report.records, report.encoded, report.backend) == (4, 1, backend)
    assert (report.counts, report.gaps) == ({0: 1, 1: 1, 2: 1, 5: 1}, [3, 4])
    assert report.shapes == {(3, 4, 5): 3, (3, 6, 5): 1}
    heights, widths = report.sizes()
    assert (heights.tolist(), widths.tolist()) == ([4, 4, 4, 6], [5, 5, 5, 5])
    every = np.concatenate([image.reshape(3, -1) for image in (*images[:3], images[0])], axis=1)
    np.testing.assert_allclose(report.channel_mean, every.mean(axis=1))
    assert report.duplicates == [Duplicate("00000003", 5, "00000000", 0)]  # an image file with the same pixels
    assert not report.corrupt and not report.shared


def test_corrupt_records(make_database, pixels):
    good = pixels(3, 4, 5)
    nan = np.full((1, 2, 2), np.nan, np.float32)
    broken = [
        pb.Datum(channels=3, height=4, width=5, data=b"123"),
        pb.Datum(data=encode_image(good, "png")[:-20], encoded=True),
    ]
    report = check_database(make_database("db", [good, *broken, nan]))
    assert (report.records, sum(report.counts.values())) == (4, 1)
    assert report.corrupt == [
        ("00000001", "says that it is 3×4×5 (channels × height × width), but holds 3 bytes"),
        ("00000002", "breaks off before the end of the image; was it copied or fetched whole?"),
        ("00000003", "holds infinite numbers or NaN"),
    ]


def test_against_another_database(tmp_path, pixels):
    images = np.stack([pixels(1, 4, 4) for _ in range(6)])
    convert_arrays(images[:4], [0, 1, 2, 3], tmp_path / "train")
    convert_arrays(images[2:], [2, 9, 4, 5], tmp_path / "test")
    report = check_database(tmp_path / "train", other=tmp_path / "test", jobs=3)
    assert report.shared == [Duplicate("00000002", 2, "00000000", 2), Duplicate("00000003", 3, "00000001", 9)]


def test_no_database(tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        check_database(tmp_path / "none")
