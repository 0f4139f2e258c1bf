import pytest

from cafpy.errors import DataError
from cafpy.feed.convert.class_folders import list_class_folders, read_labels


@pytest.fixture
def folder(tmp_path):
    for name in ("b/1.jpg", "b/deep/2.PNG", "a/z.jpeg", "a/y.bmp", "b/Thumbs.db", "a/.git/c.png", ".cache/d.png"):
        path = tmp_path / "set" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / "set"


def test_images_in_order_of_their_names(folder):
    entries, names, skipped = list_class_folders(folder)
    assert entries == [("a/y.bmp", 0), ("a/z.jpeg", 0), ("b/1.jpg", 1), ("b/deep/2.PNG", 1)]
    assert (names, skipped) == (["a", "b"], [])


def test_numbers_come_from_the_labels(folder):
    entries, names, _ = list_class_folders(folder, ["x", "b", "a"])
    assert {label for name, label in entries if name.startswith("a/")} == {2}
    assert names == ["x", "b", "a"]


def test_folders_that_cannot_be_used(folder, tmp_path):
    (tmp_path / "flat").mkdir()
    (folder / "c").mkdir()
    for args, text in [
        (
            (tmp_path / "flat",),
            f"the folder '{tmp_path}/flat' has no class folders; wanted {tmp_path}/flat/<class>/<image>, or a list "
            "file",
        ),
        ((folder,), f"the class folder '{folder}/c' holds no image; remove it or fill it"),
        ((folder, ["a", "bb", "c"]), f"the class folder '{folder}/b' is none of the labels (did you mean 'bb'?)"),
    ]:
        with pytest.raises(DataError) as error:
            list_class_folders(*args)
        assert str(error.value) == text


def test_labels_file(tmp_path):
    file = tmp_path / "labels.txt"
    file.write_text("cat\ngreat white shark \n\n")
    assert read_labels(file) == ["cat", "great white shark"]
    file.write_text("\n")
    with pytest.raises(DataError, match="is empty; it must hold a name a line"):
        read_labels(file)
    file.unlink()
    with pytest.raises(DataError, match="does not exist"):
        read_labels(file)
