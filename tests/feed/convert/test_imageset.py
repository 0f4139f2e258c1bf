import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cafpy.errors import DataError
from cafpy.feed.backends import open_database
from cafpy.feed.convert.imageset import ImageOptions, convert_imageset
from cafpy.feed.datum import datum_to_image, parse_datum
from cafpy.feed.image import encode_image


def records(path) -> list[tuple[bytes, bytes]]:
    with open_database(path) as database:
        return [(key, bytes(value)) for key, value in map(database.record, range(len(database)))]


def datums(path):
    return [parse_datum(value) for _, value in records(path)]


@pytest.fixture
def folder(tmp_path, monkeypatch, pixels):
    """Working directory with images/<class>/<n>.png of 3×5×6, three of each class cat, ant and bee."""
    monkeypatch.chdir(tmp_path)
    for name in ("cat", "ant", "bee"):
        (tmp_path / "images" / name).mkdir(parents=True)
        for i in range(3):
            (tmp_path / "images" / name / f"{i}.png").write_bytes(encode_image(pixels(3, 5, 6), "png"))
    return tmp_path


def message(*args, **kwargs) -> str:
    with pytest.raises(DataError) as error:
        convert_imageset(*args, **kwargs)
    return str(error.value)


def test_records_are_byte_for_byte_caffes(small, tmp_path, monkeypatch):
    monkeypatch.chdir(small)
    report = convert_imageset("space in name.txt", tmp_path / "db", root="images")
    assert records(tmp_path / "db") == records("lmdb_spaces")
    assert (report.written, report.counts, report.shapes) == (2, {4: 1, 2: 1}, {(3, 28, 34): 2})
    assert os.listdir(tmp_path) == ["db"]


OPTIONS = {
    "plain": ("images.txt", ImageOptions()),
    "encoded": ("images.txt", ImageOptions(encoded=True)),
    "encoded_png": ("images_png.txt", ImageOptions(encoded=True, encode_type="png")),
    "gray": ("images.txt", ImageOptions(gray=True)),
    "resized": ("images.txt", ImageOptions(resize=(20, 24))),
    "resized_gray": ("images.txt", ImageOptions(resize=(40, 48), gray=True)),
    "mixed_resized": ("mixed.txt", ImageOptions(resize=(24, 24))),
    "spaces": ("space in name.txt", ImageOptions()),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_what_caffes_tool_made(golden, tmp_path, monkeypatch, name, backend):
    source, options = OPTIONS[name]
    monkeypatch.chdir(golden / "data")
    convert_imageset(source, tmp_path / "db", options, root="images/", backend=backend)
    wanted = records(f"lmdb_{name}")
    found = records(tmp_path / "db")
    assert [key for key, _ in found] == [key for key, _ in wanted]
    for (key, value), (_, wanted_value) in zip(found, wanted, strict=True):
        if b".jpg" in key and not options.encoded:  # decoders may differ by two levels
            ours, theirs = parse_datum(value), parse_datum(wanted_value)
            assert ours.label == theirs.label
            difference = datum_to_image(ours).astype(int) - datum_to_image(theirs)
            assert np.abs(difference).max() <= 2
        else:
            assert value == wanted_value
    columns = json.loads((golden / "data" / "facts.json").read_text())["lmdb_contents"][f"lmdb_{name}"]
    for (key, value), column in zip(found, columns, strict=True):
        d = parse_datum(value)
        size = (len(d.data), len(d.float_data))
        assert [key.decode(), d.channels, d.height, d.width, d.label, d.encoded, d.HasField("encoded"), *size] == column


def test_class_folders(folder):
    report = convert_imageset("images", "db", shuffle=False)
    assert report.labels == ["ant", "bee", "cat"]
    assert (report.written, report.counts) == (9, {0: 3, 1: 3, 2: 3})
    assert [key for key, _ in records("db")][:4] == [
        b"00000000_ant/0.png",
        b"00000001_ant/1.png",
        b"00000002_ant/2.png",
        b"00000003_bee/0.png",
    ]
    assert [datum.label for datum in datums("db")] == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert (folder / "labels.txt").read_text() == "ant\nbee\ncat\n"


def test_class_folders_are_shuffled_unless_told_otherwise_lists_only_if_told(folder):
    names = [f"images/{name}/{i}.png {label}" for label, name in enumerate(["ant", "bee", "cat"]) for i in range(3)]
    (folder / "list.txt").write_text("\n".join(names))
    convert_imageset("images", "folders")
    labels = [datum.label for datum in datums("folders")]
    assert sorted(labels) == [0, 0, 0, 1, 1, 1, 2, 2, 2] != labels
    convert_imageset("list.txt", "list")
    assert [datum.label for datum in datums("list")] == sorted(labels)
    orders = []
    for seed in (0, 0, 1):
        convert_imageset("list.txt", "shuffled", shuffle=True, seed=seed, force=True)
        orders.append([key[9:] for key, _ in records("shuffled")])
    assert orders[0] == orders[1] != orders[2]
    assert sorted(orders[0]) == [name.split()[0].encode() for name in names]


def test_labels_of_a_second_set_agree_with_the_first(folder):
    convert_imageset("images", "train_db")
    (folder / "val" / "cat").mkdir(parents=True)
    (folder / "images" / "cat" / "0.png").rename(folder / "val" / "cat" / "9.png")
    assert message("val", "val_db") == (
        "'labels.txt' names other classes (ant, bee, cat) than come now (cat), so the same label would mean different "
        "classes; give the labels of the first, another folder for the database, or force it"
    )
    report = convert_imageset("val", "val_db", labels=["ant", "bee", "cat"])
    assert report.counts == {2: 1}
    (folder / "val" / "cow").mkdir()
    text = f"the class folder '{os.path.join('val', 'cow')}' is none of the labels (did you mean 'cat'?)"
    assert message("val", "other", labels=["ant", "cat"]) in (text, text.replace(" (did you mean 'cat'?)", ""))
    convert_imageset("images", "val_db", labels=["cat", "bee", "ant"], force=True)
    assert (folder / "labels.txt").read_text() == "cat\nbee\nant\n"


def test_what_cannot_be_used_is_told(folder, pixels):
    whole = encode_image(pixels(3, 50, 60), "jpg")
    images = folder / "images"
    (images / "ant" / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (images / "ant" / "empty.png").touch()
    (images / "bee" / "text.jpg").write_text("no image")
    (images / "bee" / "notes.txt").write_text("about bees")
    (images / "bee" / ".hidden.png").touch()
    (images / "lost.png").write_bytes(whole)
    (images / "cat" / "gone.png").symlink_to("/nowhere")
    seen = []
    report = convert_imageset("images", "db", shuffle=False, progress=lambda *numbers: seen.append(numbers))
    assert report.written == 9
    assert report.skipped == [
        ("images/lost.png", "lies in no class folder"),
        ("images/bee/notes.txt", "is no image, by the ending of its name"),
        ("images/ant/cut.jpg", "breaks off before the end of the image; was it copied or fetched whole?"),
        ("images/ant/empty.png", "is empty"),
        ("images/bee/text.jpg", "is no image that OpenCV can decode (JPEG, PNG, BMP, …), or it is damaged"),
        ("images/cat/gone.png", "does not exist"),
    ]
    assert report.left_out == {0: 2, 1: 2, 2: 1} and report.labels == ["ant", "bee", "cat"]
    assert seen[0] == (1, 13) and seen[-1] == (13, 13)
    assert [key for key, _ in records("db")][2:4] == [b"00000002_ant/2.png", b"00000005_bee/0.png"]


def test_missing_images(folder):
    (folder / "list.txt").write_text("a.png 0\nant/1.png 1\n")
    report = convert_imageset("list.txt", "db", root=folder / "images")
    assert report.skipped == [(f"{folder}/images/a.png", "does not exist")]
    assert message("list.txt", "none", root="elsewhere") == (
        "none of the 2 images of 'list.txt' could be used; for example 'elsewhere/ant/1.png' does not exist. "
        "Is the root folder right?"
    )
    assert not (folder / "none").exists()


def test_encoded_images_have_what_was_asked_for(folder, pixels):
    colour, gray = pixels(3, 8, 9), pixels(1, 8, 9)
    (folder / "colour.png").write_bytes(encode_image(colour, "png"))
    (folder / "gray.png").write_bytes(encode_image(gray, "png"))
    (folder / "list.txt").write_text("colour.png 0\ngray.png 1\n")
    for options, shapes in [
        (ImageOptions(encoded=True), [(3, 8, 9)] * 2),
        (ImageOptions(encoded=True, gray=True), [(1, 8, 9)] * 2),
        (ImageOptions(encoded=True, resize=(4, 5), encode_type="JPEG"), [(3, 4, 5)] * 2),
    ]:
        report = convert_imageset("list.txt", "db", options, force=True)
        assert [datum_to_image(datum).shape for datum in datums("db")] == shapes
        assert sum(report.shapes.values()) == 2 and set(report.shapes) == set(shapes)
    assert all(datum.data.startswith(b"\xff\xd8") for datum in datums("db"))
    convert_imageset("list.txt", "same", ImageOptions(encoded=True))
    assert datums("same")[0].data == (folder / "colour.png").read_bytes()


def test_sizes(folder, pixels):
    (folder / "images" / "cat" / "wide.png").write_bytes(encode_image(pixels(3, 5, 9), "png"))
    assert convert_imageset("images", "db").shapes == {(3, 5, 6): 9, (3, 5, 9): 1}
    assert message("images", "other", check_size=True, shuffle=False) == (
        "'images/cat/wide.png' is 3×5×9 (channels × height × width), but the images before it are 3×5×6; resize them, "
        "or do not check the size"
    )
    assert convert_imageset("images", "third", ImageOptions(resize=(4, 4)), check_size=True).shapes == {(3, 4, 4): 10}


def test_long_paths_are_cut_in_the_key(folder):
    long = "/".join(["."] * 400) + "/images/cat/1.png"
    (folder / "list.txt").write_text(f"{long} 5\n")
    convert_imageset("list.txt", "db")
    assert records("db")[0][0] == f"00000000_{long}".encode()[:511]


def test_nothing_starts_when_the_target_is_wrong(folder):
    convert_imageset("images", "db")
    assert message("images", "db") == "'db' exists; give another name, or force its replacement"
    assert (
        message("images", "nowhere/db")
        == "cannot write 'nowhere/db': the folder 'nowhere' does not exist; make it first"
    )
    assert message("nope", "db2") == f"the list 'nope' does not exist (looked in {folder})"
    assert message("images", "db2", ImageOptions(encoded=True, encode_type="xyz")).endswith("Is the root folder right?")


CONVERT = """
from cafpy.feed.convert.imageset import ImageOptions, convert_imageset
def progress(done, total):
    print(done, flush=True)
convert_imageset("images", "db", ImageOptions(resize=(400, 400)), force=True, progress=progress)
"""


@pytest.mark.parametrize("old", [False, True])
def test_killed_in_the_middle(folder, pixels, old):
    for i in range(10, 800):
        os.link(folder / "images" / "cat" / "0.png", folder / "images" / "cat" / f"{i}.png")
    if old:
        (folder / "list.txt").write_text("images/ant/0.png 7\n")
        convert_imageset("list.txt", "db")
    process = subprocess.Popen([sys.executable, "-c", CONVERT], stdout=subprocess.PIPE, cwd=folder)
    for line in process.stdout:
        if int(line) >= 100:
            os.kill(process.pid, signal.SIGKILL)
            break
    process.wait()
    process.stdout.close()
    assert process.returncode == -signal.SIGKILL
    assert (folder / "db").exists() == old
    if old:
        assert [datum.label for datum in datums("db")] == [7]
    assert not (folder / "labels.txt").exists()
    convert_imageset("images", "db", force=True)
    assert sorted(os.listdir(folder)) == ["db", "images", "labels.txt", *(["list.txt"] if old else [])]
    assert len(records("db")) == 799


def test_resumed_only_with_the_same_images_and_options(folder):
    def stop(done, total):
        if done == 3:
            raise KeyboardInterrupt

    once = convert_imageset("images", "once", ImageOptions(resize=(6, 6)))
    for options, resumed in ((ImageOptions(resize=(6, 7)), 0), (ImageOptions(resize=(6, 6)), 2)):
        with pytest.raises(KeyboardInterrupt):
            convert_imageset("images", "db", ImageOptions(resize=(6, 6)), progress=stop, jobs=1)
        assert not Path("db").exists()
        report = convert_imageset("images", "db", options, resume=True, force=True)
        assert report.resumed in (resumed, resumed + bool(resumed)) and report.written == once.written
        assert report.counts == once.counts and len(report.skipped) == len(once.skipped)
        if resumed:
            assert report.shapes == once.shapes
        shutil.rmtree("db")


@pytest.mark.parametrize("options", [ImageOptions(encoded=True), ImageOptions(encoded=True, gray=True), ImageOptions()])
def test_the_table_of_a_resumed_run_is_that_of_a_whole_one(folder, options):
    def stop(done, total):
        if done == total:
            raise KeyboardInterrupt

    (folder / "images" / "bee" / "none.jpg").write_bytes(b"nothing")
    once = convert_imageset("images", "once", options)
    with pytest.raises(KeyboardInterrupt):
        convert_imageset("images", "db", options, progress=stop)
    report = convert_imageset("images", "db", options, resume=True)
    assert report.resumed == report.written and report.shapes == once.shapes and report.skipped == once.skipped != []
