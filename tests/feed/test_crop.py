import numpy as np
import pytest

from cafpy.errors import DataError
from cafpy.feed.crop import crop_height_width
from cafpy.feed.transformer import Transformer, draws
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.text import parse


def param(text):
    return parse(text, pb.TransformationParameter())


def test_sizes():
    assert crop_height_width(param("")) == (0, 0)
    assert crop_height_width(param("crop_size: 5")) == (5, 5)
    assert crop_height_width(param("crop_h: 4 crop_w: 6")) == (4, 6)


@pytest.mark.parametrize(
    ("text", "said"),
    [("crop_h: 4", "crop_w"), ("crop_w: 4", "crop_h"), ("crop_size: 3 crop_h: 4 crop_w: 4", "both given; keep one")],
)
def test_mistakes(text, said):
    with pytest.raises(DataError, match=said):
        crop_height_width(param(text))


def test_cuts_that_are_no_square(pixels):
    image = pixels(3, 7, 9)
    out = np.empty((1, 3, 4, 6), np.float32)
    test = Transformer(param("crop_h: 4 crop_w: 6"), pb.TEST)
    assert test.output_shape(3, 7, 9) == (3, 4, 6)
    test.apply([image], out)
    np.testing.assert_array_equal(out[0], image[:, 1:5, 1:7])
    train, found = Transformer(param("crop_h: 4 crop_w: 6"), pb.TRAIN), set()
    windows = {image[:, i : i + 4, j : j + 6].astype(np.float32).tobytes(): (i, j) for i in range(4) for j in range(4)}
    for position in range(300):
        train.apply([image], out, draws(1, position, 1))
        found.add(windows[out.tobytes()])
    assert len(found) == 16
    with pytest.raises(DataError, match="crop_h: 4 crop_w: 6 is larger than the image, 4×5"):
        test.output_shape(3, 4, 5)
