import numpy as np
import pytest

from cafpy.errors import DataError
from cafpy.feed.convert.csv_list import read_csv_list


@pytest.fixture
def read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def read(text, names=None):
        (tmp_path / "list.csv").write_text(text)
        return read_csv_list("list.csv", names)

    return read


def test_classes(read):
    rows = read('path,label\n"a, b.png",3\n\nd/ü.png, -1\n')
    assert (rows.paths, rows.labels.tolist(), rows.columns, rows.classes) == (
        ["a, b.png", "d/ü.png"],
        [[3], [-1]],
        ["label"],
        True,
    )


def test_names(read):
    rows = read("path,label\na.png,hot dog\nb.png,0\n", ["cat", "hot dog"])
    assert rows.labels.tolist() == [[1], [0]] and rows.classes


def test_other_labels(read):
    rows = read("path,x,y\na.png,1,2\nb.png,3,4\n")
    assert (rows.columns, rows.labels.dtype, rows.classes) == (["x", "y"], np.float32, False)
    rows = read("path,age\na.png,1\nb.png,2.5\n")
    assert rows.labels.tolist() == [[1], [2.5]] and not rows.classes


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "list.csv:1: the header is nothing; wanted 'path,label', or more labels: 'path,x,y'"),
        ("a.png,1\n", "list.csv:1: the header is 'a.png,1'; wanted 'path,label', or more labels: 'path,x,y'"),
        ("path,label\n", "the list 'list.csv' holds no image, only a header"),
        ("path,x,y\na.png,1\n", "list.csv:2: 1 label for the 2 of the header"),
        ("path,label\n,1\n", "list.csv:2: the path is empty"),
        (
            "path,label\na.png,cat\n",
            "list.csv:2: column 'label': 'cat' is no number; give class names with a labels file",
        ),
        ("path,x\na.png,nan\n", "list.csv:2: column 'x': 'nan' is no number; give class names with a labels file"),
        ("path,x\na,99999999999\n", "list.csv:2: column 'x': label 99999999999 is too large; a label has 32 bits"),
    ],
)  # fmt: skip
def test_errors(read, text, message):
    with pytest.raises(DataError) as error:
        read(text)
    assert str(error.value) == message


def test_unknown_names(read):
    with pytest.raises(DataError) as error:
        read("path,label\na.png,cta\nb.png,7\n", ["cat", "dog"])
    assert str(error.value) == (
        "list.csv:2: column 'label': label 'cta' is none of the 2 labels (did you mean 'cat'?)\n"
        "list.csv:3: column 'label': label 7 has no name; the labels file names 0 to 1"
    )
