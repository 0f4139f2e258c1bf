"""Downloads against a server on loopback: resumed, checked, mirrored, and never half in place."""

import hashlib
import subprocess
import sys

import pytest

from cafpy.download import download
from cafpy.errors import DataError

CONTENT = bytes(range(256)) * 4096
SHA = "sha256:" + hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def server(web):
    """/good: the file; /broken: half of it, then the connection ends; /bad: other bytes; else 404."""
    web.files = {"/good": CONTENT, "/broken": CONTENT, "/bad": b"not it"}
    web.cut = {"/broken"}
    return web


def url(server, path):
    return server.url(path)


def ranges(server):
    return [wanted for _, wanted in server.asked]


def test_fetches_and_reports_progress(server, tmp_path):
    seen = []
    path = download(
        [url(server, "/good")], tmp_path / "sub" / "file", SHA, lambda have, total: seen.append((have, total))
    )
    assert path.read_bytes() == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert [p.name for p in path.parent.iterdir()] == ["file"]


def test_a_file_that_is_there_is_not_fetched_again(server, tmp_path):
    (tmp_path / "file").write_bytes(CONTENT)
    download([url(server, "/good")], tmp_path / "file", SHA)
    assert ranges(server) == []


def test_a_broken_transfer_is_said_and_resumed(server, tmp_path):
    half = len(CONTENT) // 2
    with pytest.raises(DataError, match=f"broke off after {half} of {len(CONTENT)} bytes"):
        download([url(server, "/broken")], tmp_path / "file", SHA)
    assert not (tmp_path / "file").exists()
    download([url(server, "/good")], tmp_path / "file", SHA)
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert ranges(server) == [None, f"bytes={half}-"]


def test_the_next_mirror_goes_on_where_the_first_broke_off(server, tmp_path):
    download([url(server, "/broken"), url(server, "/good")], tmp_path / "file", SHA)
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert ranges(server) == [None, f"bytes={len(CONTENT) // 2}-"]


def test_a_part_that_was_whole_already_is_taken(server, tmp_path):
    (tmp_path / "file.part").write_bytes(CONTENT)
    download([url(server, "/good")], tmp_path / "file", SHA)
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_every_mirror_s_reason_is_told(server, tmp_path):
    urls = [url(server, "/bad"), url(server, "/absent"), "http://127.0.0.1:9/closed"]
    with pytest.raises(DataError) as error:
        download(urls, tmp_path / "file", SHA)
    text = str(error.value)
    wrong = "sha256:" + hashlib.sha256(b"not it").hexdigest()
    assert text.startswith(f"{tmp_path / 'file'} could not be fetched:\n  {urls[0]}: what came has the wrong checksum")
    assert f"({wrong}, wanted {SHA}); removed" in text
    assert f"{urls[1]}: the server says 404 Not Found" in text
    assert f"{urls[2]}: no connection (" in text
    assert text.endswith(f"Without a network, fetch it elsewhere and put it at {tmp_path / 'file'}.")
    assert list(tmp_path.iterdir()) == []


def test_a_server_without_ranges_starts_again(server, tmp_path):
    server.ranges = False
    (tmp_path / "file.part").write_bytes(CONTENT[:1000])
    download([url(server, "/good")], tmp_path / "file", SHA)
    assert ranges(server) == ["bytes=1000-"]
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_beginning_of_another_file_is_given_up(server, tmp_path):
    (tmp_path / "file.part").write_bytes(b"x" * 1000)
    download([url(server, "/good")], tmp_path / "file", SHA)
    assert ranges(server) == ["bytes=1000-", None]
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_a_damaged_file_is_replaced_or_said(server, tmp_path):
    (tmp_path / "file").write_bytes(b"damaged")
    with pytest.raises(DataError, match="file: is there, but is not what was published") as error:
        download([url(server, "/absent")], tmp_path / "file", SHA)
    assert f"{'sha256:' + hashlib.sha256(b'damaged').hexdigest()}, wanted {SHA}" in str(error.value)
    download([url(server, "/good")], tmp_path / "file", SHA)
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_without_a_checksum_whole_files_are_taken(server, tmp_path):
    with pytest.raises(DataError, match="broke off"):
        download([url(server, "/broken")], tmp_path / "file", None)
    assert not (tmp_path / "file").exists()
    download([url(server, "/good")], tmp_path / "file", None)
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_processes_that_want_the_same_file_fetch_it_once(server, tmp_path):
    code = "import sys; from cafpy.download import download; download([sys.argv[1]], sys.argv[2], sys.argv[3])"
    command = [sys.executable, "-c", code, url(server, "/good"), str(tmp_path / "file"), SHA]
    processes = [subprocess.Popen(command) for _ in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
    assert ranges(server) == [None]
