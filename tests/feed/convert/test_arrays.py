import numpy as np
import pytest

from cafpy.errors import DataError
from cafpy.feed.backends import open_database
from cafpy.feed.convert.arrays import convert_arrays
from cafpy.feed.datum import datum_to_image, parse_datum


@pytest.mark.parametrize("dtype", [np.uint8, np.float64])
def test_records_and_report(tmp_path, pixels, backend, dtype):
    images = pixels(5, 2, 3, 4).astype(dtype)
    told = []
    report = convert_arrays(
        images,
        [1, 0, 1, 1, -4],
        tmp_path / "db",
        backend=backend,
        key_digits=5,
        names=["no", "yes"],
        progress=lambda *numbers: told.append(numbers),
    )
    with open_database(tmp_path / "db", backend) as database:
        for i, label in enumerate([1, 0, 1, 1, -4]):
            key, value = database.record(i)
            datum = parse_datum(value)
            assert (key, datum.label, datum.HasField("encoded")) == (f"{i:05d}".encode(), label, False)
            np.testing.assert_array_equal(datum_to_image(datum), images[i])
    assert (report.written, report.counts, report.skipped) == (5, {1: 3, 0: 1, -4: 1}, [])
    assert (report.shapes, report.labels, report.path) == ({(2, 3, 4): 5}, ["no", "yes"], tmp_path / "db")
    assert told[0] == (0, 5) and told[-1] == (5, 5)


def test_arrays_that_do_not_fit(tmp_path):
    images = np.zeros((2, 1, 3, 3), np.uint8)
    for arrays, text in [
        (
            (images[0], [1, 2]),
            "images of shape (1, 3, 3) came; wanted N×channels×height×width, all at least 1",
        ),
        ((images[:0], []), "images of shape (0, 1, 3, 3) came; wanted N×channels×height×width, all at least 1"),
        ((images.astype(str), [1, 2]), "images of <U3 came; wanted numbers"),
        ((images, [1, 2, 3]), "labels of shape (3,) came for 2 images; wanted one number an image"),
        ((images, [0.5, 1]), "labels of float64 came; a database holds whole numbers (HDF5Data takes others)"),
        ((images, [0, 2**31]), "labels go from 0 to 2147483648; a database holds numbers of 32 bits"),
    ]:
        with pytest.raises(DataError) as error:
            convert_arrays(*arrays, tmp_path / "db")
        assert str(error.value) == text
    assert not list(tmp_path.iterdir())
