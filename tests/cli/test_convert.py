"""`cafpy convert` from end to end, on folders as people have them."""

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from cafpy.cli import main
from cafpy.feed.backends import open_database
from cafpy.feed.datum import datum_to_image, parse_datum
from cafpy.feed.image import encode_image

CONVERT = [sys.executable, "-c", "from cafpy.cli import main; main()", "convert", "imageset"]


def convert(*args: object, code: int = 0) -> str:
    """What the command prints."""
    result = CliRunner().invoke(main, ["convert", *map(str, args)])
    assert result.exit_code == code, result.output
    return result.output


def records(path) -> list[tuple[bytes, bytes]]:
    with open_database(path) as database:
        return [(key, bytes(value)) for key, value in map(database.record, range(len(database)))]


def labels(path) -> list[int]:
    return [parse_datum(value).label for _, value in records(path)]


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """Working directory with photos/{ant,bee}/<n>.jpg, ten of each, of different sizes."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for name in ("ant", "bee"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for i in range(10):
            image = cv2.resize(rng.integers(0, 256, (4, 5, 3)).astype(np.uint8), (60 + i, 50))
            (tmp_path / "photos" / name / f"{i}.jpg").write_bytes(encode_image(image.transpose(2, 0, 1), "jpg"))
    return tmp_path / "photos"


def test_a_folder_as_people_have_it(photos):
    whole = (photos / "ant" / "0.jpg").read_bytes()
    (photos / "ant" / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (photos / "ant" / "moving.jpg").write_bytes(b"GIF89a" + bytes(40))
    (photos / "bee" / "empty.png").touch()
    (photos / "bee" / "huge.png").write_bytes(cv2.imencode(".png", np.zeros((700, 900), np.uint8))[1].tobytes())
    (photos / "bee" / "größer als 3.jpg").write_bytes(whole)
    output = convert("imageset", "photos", "db", "--resize", "32x40", "--max-pixels", "600000", "--no-shuffle")
    assert output == (
        "db: 21 records of 3×32×40\n"
        "  label    records   left out  class\n"
        "      0         10          2  ant\n"
        "      1         11          2  bee\n"
        "left out: 4\n"
        "  photos/ant/cut.jpg: breaks off before the end of the image; was it copied or fetched whole?\n"
        "  photos/ant/moving.jpg: is a GIF, whatever its name says, which is not read; save it as PNG or JPEG\n"
        "  photos/bee/empty.png: is empty\n"
        "  photos/bee/huge.png: is 700×900 (height × width), which is 630,000 pixels; the limit is 600,000\n"
    )
    assert records("db")[-1][0].decode().endswith("_bee/größer als 3.jpg")


@pytest.mark.skipif(os.name == "nt" or not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads every file")
def test_a_file_that_may_not_be_read(photos):
    (photos / "ant" / "3.jpg").chmod(0)
    assert "  photos/ant/3.jpg: cannot be read: Permission denied\n" in convert("imageset", "photos", "db")


def test_nothing_written_is_a_failure(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "list.txt").write_text("a.png 0\n")
    assert convert("imageset", "list.txt", "db", code=1) == (
        "Error: none of the 1 images of 'list.txt' could be used; for example 'a.png' does not exist. "
        "Is the root folder right?\n"
    )
    assert os.listdir() == ["list.txt"]


def test_jobs_do_not_change_the_records(photos):
    made = []
    for jobs in (1, 2, 5):
        convert("imageset", "photos", f"db{jobs}", "--resize", "20", "--jobs", jobs, "--seed", 4)
        made.append(records(f"db{jobs}"))
    assert made[0] == made[1] == made[2] and len(made[0]) == 20


def test_split(photos):
    output = convert("imageset", "photos", "db", "--resize", "20", "--split", "70/30")
    assert output.startswith("db_train: 14 records of 3×20×20\n") and "db_test: 6 records of 3×20×20\n" in output
    assert sorted(labels("db_train")) == [0] * 7 + [1] * 7 and sorted(labels("db_test")) == [0] * 3 + [1] * 3
    names = [key.split(b"_", 1)[1] for path in ("db_train", "db_test") for key, _ in records(path)]
    assert len(set(names)) == 20
    assert convert("imageset", "photos", "db", "--split", "0.8/0.3", code=2).endswith(
        "'0.8/0.3' is no split; write two shares that make 1 or 100, as 0.8/0.2 or 80/20\n"
    )


def test_quality(photos):
    sizes = {}
    for quality in (20, 90):
        convert("imageset", "photos", f"q{quality}", "--encoded", "--quality", quality)
        datums = [parse_datum(value) for _, value in records(f"q{quality}")]
        assert all(datum.encoded and datum_to_image(datum).shape[0] == 3 for datum in datums)
        sizes[quality] = sum(len(datum.data) for datum in datums)
    assert sizes[20] < 0.7 * sizes[90]
    for wrong in (["--quality", 9], ["--quality", 9, "--encode-type", "png"]):
        assert "quality is of JPEG files" in convert("imageset", "photos", "db", *wrong, code=1)


def test_encode_type(photos):
    convert("imageset", "photos", "png", "--encoded", "--encode-type", "PNG")
    assert all(parse_datum(value).data.startswith(b"\x89PNG") for _, value in records("png"))
    said = convert("imageset", "photos", "db", "--encode-type", "foo", code=2)
    assert "Invalid value for '--encode-type': 'foo' is not one of" in said and "'jpg'" in said


def test_lists_with_class_names(photos):
    (photos.parent / "names.txt").write_text("ant\nhoney bee\n")
    (photos.parent / "list.txt").write_text("ant/0.jpg ant\nbee/1.jpg honey bee\nbee/2.jpg 1\n")
    output = convert("imageset", "list.txt", "db", "--root", "photos", "--labels", "names.txt", "--resize", "8")
    assert labels("db") == [0, 1, 1] and "      1          2  honey bee\n" in output
    (photos.parent / "list.txt").write_text("ant/0.jpg ant\nbee/1.jpg honey bees\n")
    assert convert("imageset", "list.txt", "other", "--labels", "names.txt", code=1) == (
        "Error: list.txt:2: label 'bees' is none of the 2 labels\n"
    )


def test_csv_lists(photos):
    (photos.parent / "list.csv").write_text("path,label\nant/0.jpg,4\nbee/1.jpg,2\n")
    convert("imageset", "list.csv", "db", "--root", "photos", "--resize", "8")
    assert labels("db") == [4, 2]
    (photos.parent / "points.csv").write_text("path,x,y\nant/0.jpg,0.5,1\nbee/1.jpg,2,3\n")
    assert convert("imageset", "points.csv", "other", "--root", "photos", code=1) == (
        "Error: 'points.csv' has 2 labels an image (x, y), and a database holds one whole number; convert it to HDF5 "
        "instead\n"
    )
    assert convert("hdf5", "points.csv", "points", "--root", "photos", "--resize", "8") == (
        "points.txt: 2 records of 3×8×8\n"
    )


def test_arrays_to_hdf5(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("data.npy", np.zeros((3, 2), np.float32))
    np.save("label.npy", np.zeros(3))
    assert convert("hdf5", "data.npy", "label.npy", "train") == "train.txt: 3 records of 2\n"


@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGINT])
def test_stopped_at_any_moment(photos, stop):
    for i in range(10, 3000):
        os.link(photos / "ant" / "0.jpg", photos / "ant" / f"{i}.jpg")
    folder = photos.parent
    (folder / "list.txt").write_text("photos/ant/0.jpg 7\n")
    convert("imageset", "list.txt", "db")
    draw = random.Random(1)
    for _ in range(3):
        process = subprocess.Popen(
            [*CONVERT, "photos", "db", "--force", "--resize", "200"], cwd=folder, stderr=subprocess.PIPE, text=True
        )
        time.sleep(draw.uniform(0.3, 0.9))
        process.send_signal(stop)
        error = process.communicate()[1]
        code = process.returncode
        there = labels("db")
        assert there == [7] or len(there) == 3010
        if stop == signal.SIGINT and code and list(folder.glob("*.partial-*")):  # else stopped before it began
            assert "the same command with --resume goes on" in error
    convert("imageset", "list.txt", "db", "--force")
    assert not list(folder.glob("*.partial-*"))


def partial_bytes(folder) -> int:
    """What unfinished databases have on the disk; files may vanish while one looks."""
    total = 0
    for file in folder.glob("db*.partial-*/*"):
        with suppress(FileNotFoundError):
            total += file.stat().st_blocks * 512
    return total


@pytest.mark.parametrize("backend", ["lmdb", "leveldb"])
@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGINT])
def test_stopped_and_resumed(photos, stop, backend):
    """Records that come of many runs are those of one run, and so is the table, but for how many were there."""
    if backend == "leveldb":
        pytest.importorskip("plyvel")
    for i in range(10, 1500):
        os.link(photos / "ant" / "0.jpg", photos / "ant" / f"{i}.jpg")
    (photos / "bee" / "no.jpg").write_bytes(b"nothing")
    folder = photos.parent
    options = ["--resize", "200", "--jobs", "2", "--backend", backend, "--split", "0.8/0.2"]
    draw = random.Random(2)
    for _ in range(3):
        process = subprocess.Popen([*CONVERT, "photos", "db", "--resume", *options], cwd=folder)
        enough = partial_bytes(folder) + draw.uniform(1e6, 50e6)
        while partial_bytes(folder) < enough:
            assert process.poll() is None
            time.sleep(0.002)
        process.send_signal(stop)
        assert process.wait()
        assert not (folder / "db_train").exists() and not (folder / "db_test").exists()
    table = convert("imageset", "photos", "db", "--resume", *options)
    assert not list(folder.glob("*.partial-*"))
    once = convert("imageset", "photos", "once", *options)
    assert "from the run that was stopped" in table
    told = [line for line in table.splitlines() if "from the run that was stopped" not in line]
    assert told == once.replace("once", "db").splitlines()
    for part in ("train", "test"):
        assert records(f"db_{part}") == records(f"once_{part}")


def test_list_in_caffes_order_of_arguments(photos):
    folder = photos.parent
    os.rename(photos / "bee" / "3.jpg", photos / "bee" / "drei und 3.jpg")
    lines = [f"{path.relative_to(photos)} {label}" for label, name in enumerate(("ant", "bee"))
             for path in sorted((photos / name).iterdir())]  # fmt: skip
    (folder / "list.txt").write_text("\n".join(lines))
    output = convert("list", "photos", "list.txt", "db", "--resize", "8")
    assert output == "db: 20 records of 3×8×8\n  label    records\n      0         10\n      1         10\n"
    convert("imageset", "list.txt", "other", "--root", "photos/", "--resize", "8")
    assert records("db") == records("other")
    assert b"bee/drei und 3.jpg" in b" ".join(key for key, _ in records("db"))
    swapped = convert("list", "list.txt", "photos", "db2", code=2)
    assert "'list.txt' is no folder; the order is ROOT LIST OUT" in swapped
