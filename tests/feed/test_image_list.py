import pytest

from cafpy.errors import DataError
from cafpy.feed.image_list import read_image_list


@pytest.fixture
def read(tmp_path, monkeypatch):
    """A function that writes these bytes to list.txt, in the working directory, and reads it."""
    monkeypatch.chdir(tmp_path)

    def write_and_read(content):
        (tmp_path / "list.txt").write_bytes(content)
        return read_image_list("list.txt")

    return write_and_read


def message(function, *args) -> str:
    with pytest.raises(DataError) as error:
        function(*args)
    return str(error.value)


def test_lines(read):
    content = b"\xef\xbb\xbfa.jpg 3\r\n\n  b c.png  -1 \nd/e.jpg\t7\n\xffz.jpg 2147483647"
    assert read(content) == [("a.jpg", 3), ("b c.png", -1), ("d/e.jpg", 7), ("\udcffz.jpg", 2147483647)]


def test_a_text_never_becomes_a_label(read):
    assert message(read, b"a.jpg 0\nb.jpg cat\n") == (
        "list.txt:2: label 'cat' is no whole number; number the classes 0, 1, 2, …"
    )
    assert "label '1.5' is no whole number" in message(read, b"a.jpg 1.5\n")
    assert message(read, b"a.jpg 2147483648") == "list.txt:1: label 2147483648 is too large; a label has 32 bits"


def test_all_problems_at_once(read):
    assert message(read, b"a.jpg\nb.jpg 1\nc,2\nd.jpg x\ne.jpg\nf.jpg\n") == (
        "list.txt:1: 'a.jpg' has no label; write a path, a space and a whole number\n"
        "list.txt:3: 'c,2' has no label; write a path, a space and a whole number\n"
        "list.txt:4: label 'x' is no whole number; number the classes 0, 1, 2, …\n"
        "… and 2 more lines"
    )


def test_no_list(read, tmp_path):
    assert message(read_image_list, "none.txt") == f"the list 'none.txt' does not exist (looked in {tmp_path})"
    assert message(read, b" \n\n") == "the list 'list.txt' is empty; it must hold a path, a space and a label a line"
    assert message(read, b"\x89PNG\0\0") == (
        "'list.txt' is no text file; it must list images, a path, a space and a label a line"
    )
