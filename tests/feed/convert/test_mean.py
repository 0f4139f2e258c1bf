import numpy as np
import pytest

from cafpy.errors import DataError
from cafpy.feed.convert.mean import compute_mean, write_mean
from cafpy.feed.image import encode_image
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.binary import read_mean


@pytest.mark.parametrize("name", ["plain", "float", "gray", "encoded", "resized", "leveldb"])
def test_what_caffes_tool_made(golden, tmp_path, name):
    if name == "leveldb":
        pytest.importorskip("plyvel")
    database = golden / "data" / ("leveldb_plain" if name == "leveldb" else f"lmdb_{name}")
    mean = compute_mean(database)
    wanted = read_mean(golden / "data" / f"mean_{name}.binaryproto")
    assert mean.shape == wanted.shape and mean.dtype == np.float32
    # sums of bytes are exact; decoders may differ by two levels in the two JPEG files out of ten
    tolerance = {"float": 2e-7, "encoded": 0.4}.get(name, 0)
    assert np.abs(mean - wanted).max() <= tolerance
    write_mean(tmp_path / "mean.binaryproto", wanted)
    content = (tmp_path / "mean.binaryproto").read_bytes()
    assert content == (golden / "data" / f"mean_{name}.binaryproto").read_bytes()


def test_small_kit(small):
    mean = compute_mean(small / "lmdb_float")
    np.testing.assert_allclose(mean, read_mean(small / "mean_float.binaryproto"), rtol=0, atol=2e-7)


def test_progress(make_database, pixels):
    told = []
    compute_mean(make_database("db", [pixels(1, 2, 2) for _ in range(150)]), progress=lambda *n: told.append(n))
    assert told == [(0, 150), (100, 150), (150, 150)]


def test_images_of_different_sizes(make_database, pixels):
    one = pb.Datum(data=encode_image(pixels(3, 4, 5), "png"), encoded=True)
    name = make_database("db", [pixels(3, 4, 5), one, pixels(3, 5, 4)])
    with pytest.raises(DataError) as error:
        compute_mean(name)
    assert str(error.value) == (
        "database 'db', record '00000002' is 3×5×4 (channels × height × width), but the records before it are 3×4×5; a "
        "mean needs images of one size. Resize them when the database is made, or use mean_value"
    )
