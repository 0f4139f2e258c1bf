"""Downloads against a server on loopback: resumed, checked, mirrored, and never half in place."""

import hashlib
import http.server
import re
import threading

import pytest

from cafpy.download import download
from cafpy.errors import DataError

CONTENT = bytes(range(256)) * 4096
SHA = "sha256:" + hashlib.sha256(CONTENT).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    """/good: the file, with ranges; /broken: half of it, then the connection ends; /bad: other bytes; else 404."""

    def do_GET(self):
        self.server.ranges.append(self.headers.get("Range"))
        body = {"/good": CONTENT, "/broken": CONTENT, "/bad": b"not it"}.get(self.path)
        if body is None:
            self.send_error(404)
            return
        start = 0
        if match := re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or ""):
            start = int(match[1])
            if start >= len(body):
                self.send_error(416)
                return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        self.wfile.write(body[start : len(body) // 2] if self.path == "/broken" else body[start:])

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.ranges = []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def url(server, path):
    return f"http://127.0.0.1:{server.server_port}{path}"


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
    assert server.ranges == []


def test_a_broken_transfer_is_said_and_resumed(server, tmp_path):
    half = len(CONTENT) // 2
    with pytest.raises(DataError, match=f"broke off after {half} of {len(CONTENT)} bytes"):
        download([url(server, "/broken")], tmp_path / "file", SHA)
    assert not (tmp_path / "file").exists()
    download([url(server, "/good")], tmp_path / "file", SHA)
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert server.ranges == [None, f"bytes={half}-"]


def test_the_next_mirror_goes_on_where_the_first_broke_off(server, tmp_path):
    download([url(server, "/broken"), url(server, "/good")], tmp_path / "file", SHA)
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert server.ranges == [None, f"bytes={len(CONTENT) // 2}-"]


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
