import gc
import threading

import numpy as np
import pytest
from google.protobuf import text_format

from cafpy.errors import DataError
from cafpy.feed import in_memory
from cafpy.feed.batch_maker import BatchMaker
from cafpy.feed.datum import image_to_datum
from cafpy.feed.image import encode_image
from cafpy.feed.reader import BatchReader
from cafpy.feed.source import DatabaseSource
from cafpy.feed.transformer import Transformer
from cafpy.proto import cafpy_pb2 as pb

RANDOM = "crop_size: 4 mirror: true mean_value: 10 scale: 0.5"


def reader(name, batch_size, text="", phase=pb.TRAIN, **kwargs) -> BatchReader:
    transform = Transformer(text_format.Parse(text, pb.TransformationParameter()), phase)
    return BatchReader(DatabaseSource(name), batch_size, transform, **kwargs)


def take(batches, count) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(data.copy(), labels.copy()) for data, labels in (batches.next() for _ in range(count))]


def labels_of(batches) -> list[int]:
    return np.concatenate([labels for _, labels in batches]).astype(int).tolist()


def assert_same(found, wanted):
    for (data, labels), (wanted_data, wanted_labels) in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(data, wanted_data)
        np.testing.assert_array_equal(labels, wanted_labels)


@pytest.fixture(params=["in memory", "record by record", "encoded"])
def seven(request, make_database, pixels, monkeypatch):
    """A database of seven images of 3×6×7 with the labels 0 to 6, that is read in each of the ways there are."""
    images = [pixels(3, 6, 7) for _ in range(7)]
    if request.param == "record by record":
        monkeypatch.setattr(in_memory.load_raw_images, "__defaults__", (100,))
    if request.param == "encoded":
        datums = [pb.Datum(data=encode_image(image, "png"), label=i, encoded=True) for i, image in enumerate(images)]
        return make_database("seven", datums), images
    return make_database("seven", images), images


def test_batches_go_around(seven):
    name, images = seven
    batches = reader(name, 3)
    assert batches.shape == (3, 3, 6, 7)
    for k, (data, labels) in enumerate(take(batches, 6)):
        wanted = [i % 7 for i in range(3 * k, 3 * k + 3)]
        assert labels.tolist() == wanted and labels.dtype == data.dtype == np.float32
        np.testing.assert_array_equal(data, np.stack([images[i] for i in wanted]))
    assert batches.position == 18
    batches.close()
    batches.close()


def test_a_batch_larger_than_the_database(seven):
    batches = reader(seven[0], 17)
    assert labels_of(take(batches, 2)) == [i % 7 for i in range(34)]
    batches.close()


def test_same_seed_same_batches_for_any_number_of_workers(seven):
    runs = []
    for workers in (1, 2, 4):
        batches = reader(seven[0], 5, RANDOM, seed=11, workers=workers)
        runs.append(take(batches, 12))
        batches.close()
    assert_same(runs[1], runs[0])
    assert_same(runs[2], runs[0])
    other = reader(seven[0], 5, RANDOM, seed=12)
    assert not np.array_equal(take(other, 1)[0][0], runs[0][0][0])
    other.close()


def test_all_ways_of_reading_draw_the_same(make_database, pixels, monkeypatch):
    images = [pixels(3, 6, 7) for _ in range(7)]
    datums = [pb.Datum(data=encode_image(image, "png"), label=i, encoded=True) for i, image in enumerate(images)]
    one, two = reader(make_database("raw", images), 5, RANDOM), reader(make_database("encoded", datums), 5, RANDOM)
    assert_same(take(one, 8), take(two, 8))
    one.close(), two.close()


def test_an_image_is_cut_anew_in_every_pass(seven):
    batches = reader(seven[0], 7, RANDOM)
    passes = [data for data, _ in take(batches, 4)]
    assert not any(np.array_equal(passes[0], other) for other in passes[1:])
    batches.close()


@pytest.mark.parametrize("position", [0, 5, 20, 7 * 5 * 10])
def test_goes_on_at_a_position(seven, position):
    straight = reader(seven[0], 5, RANDOM)
    take(straight, position // 5)
    assert straight.position == position
    wanted = take(straight, 3)
    again = reader(seven[0], 5, RANDOM)
    take(again, 2)  # and some more are prefetched
    again.position = position
    assert again.position == position
    assert_same(take(again, 3), wanted)
    assert again.position == position + 15
    straight.close(), again.close()


def test_ranks_take_turns(seven):
    whole = reader(seven[0], 12, RANDOM, seed=3)
    wanted = take(whole, 2)
    found = [np.empty_like(data) for data, _ in wanted]
    for rank in range(3):
        part = reader(seven[0], 4, RANDOM, seed=3, rank=rank, world=3)
        for k, (data, _) in enumerate(take(part, 2)):
            found[k][rank::3] = data
        assert part.position == whole.position == 24
        part.close()
    for data, (wanted_data, _) in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(data, wanted_data)
    whole.close()


def test_random_skip(seven):
    firsts = []
    for seed in range(30):
        batches = reader(seven[0], 2, seed=seed, rand_skip=5)
        first = labels_of(take(batches, 2))
        assert first == [(first[0] + i) % 7 for i in range(4)]
        assert batches.position == 4
        firsts.append(first[0])
        batches.close()
    assert set(firsts) == {0, 1, 2, 3, 4}


def test_buffers_are_used_again(seven):
    batches = reader(seven[0], 2, prefetch=2)
    places = {batches.next()[0].__array_interface__["data"][0] for _ in range(20)}
    assert len(places) == 3
    batches.close()


def test_sizes_may_change_between_batches_of_equal_images(make_database, pixels):
    images = [pixels(1, 4, 5), pixels(1, 4, 5), pixels(1, 7, 3), pixels(1, 7, 3)]
    batches = reader(make_database("two", images), 2)
    assert [data.shape for data, _ in take(batches, 4)] == [(2, 1, 4, 5), (2, 1, 7, 3)] * 2
    batches.close()
    cut = reader("two", 4, "crop_size: 3", pb.TEST)
    (data, _), *_ = take(cut, 1)
    np.testing.assert_array_equal(data[3], images[3][:, 2:5])
    cut.close()


def test_float_data(make_database):
    values = np.random.default_rng(0).standard_normal((3, 2, 3, 4)).astype(np.float32)
    batches = reader(make_database("float", list(values)), 3)
    np.testing.assert_array_equal(batches.next()[0], values)
    batches.close()


def test_leveldb(make_database, pixels):
    pytest.importorskip("plyvel")
    images = [pixels(1, 3, 3) for _ in range(4)]
    batches = reader(make_database("level", images, "LEVELDB"), 3)
    assert labels_of(take(batches, 4)) == [i % 4 for i in range(12)]
    batches.close()


def message(batches, count) -> str:
    assert labels_of(take(batches, count)) == list(range(2 * count))
    with pytest.raises(DataError) as error:
        batches.next()
    batches.close()
    return str(error.value)


def test_errors_come_at_their_batch_and_name_the_record(make_database, pixels):
    good, by = [pixels(1, 4, 5) for _ in range(4)], "(channels × height × width)"
    make_database("sizes", [*good, pixels(1, 4, 5), pixels(1, 5, 4)])
    assert message(reader("sizes", 2), 2) == (
        f"database 'sizes', record '00000005' gives 1×5×4 {by}, but the first of its batch, database 'sizes', record "
        "'00000004', gives 1×4×5; make the database with images of one size, or give a crop_size, or batch_size: 1"
    )
    make_database("small", [*good, pixels(1, 4, 2)])
    assert message(reader("small", 2, "crop_size: 3"), 2) == (
        "database 'small', record '00000004': crop_size: 3 is larger than the image, 4×2 (height × width); use at "
        "most 2, or larger images"
    )
    cut_off = pb.Datum(data=encode_image(good[0], "png")[:-20], encoded=True)
    make_database("cut", [*good[:2], cut_off])
    assert message(reader("cut", 2), 1) == (
        "database 'cut', record '00000002' breaks off before the end of the image; was it copied or fetched whole?"
    )
    short = image_to_datum(good[0], 2)
    short.data = short.data[:-1]
    make_database("short", [*good[:2], short])
    assert message(reader("short", 2), 1) == (
        f"database 'short', record '00000002' says that it is 1×4×5 {by}, but holds 19 bytes"
    )


def test_errors_of_the_first_image_come_at_once(make_database, pixels):
    make_database("one", [pixels(1, 4, 5)])
    for text, problem in [
        (
            "crop_size: 9",
            "crop_size: 9 is larger than the image, 4×5 (height × width); use at most 4, or larger images",
        ),
        ("mean_value: 1 mean_value: 2", "mean_value: 2 values (1, 2) for an image of 1 channel; give one value"),
    ]:
        with pytest.raises(DataError) as error:
            reader("one", 2, text)
        assert str(error.value) == f"database 'one', record '00000000': {problem}"


def test_bytes_that_are_no_datum(make_database, monkeypatch):
    class Bytes:
        def SerializeToString(self):
            return b"\xff\xfe\xff"

    with pytest.raises(DataError) as error:
        reader(make_database("junk", [Bytes()]), 1)
    assert str(error.value) == (
        "database 'junk', record '00000000': its 3 bytes are no Datum message; the record is damaged or of another kind"
    )


def test_a_reader_that_nobody_holds_lets_go(seven):
    before = threading.active_count()
    batches = reader(seven[0], 2)
    batches.next()
    maker = batches._maker
    assert isinstance(maker, BatchMaker)
    del batches
    gc.collect()
    assert threading.active_count() == before
