"""Fixtures of all tests: the conformance data beside the repository, where it is there, and a server on loopback."""

import hashlib
import http.server
import os
import re
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder ../shared (data, weights, nets); the test is skipped where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("needs ../shared, which is not here")
    return SHARED


@pytest.fixture(scope="session")
def golden() -> Path:
    """What the real Caffe computed: ../shared/golden, or the folder that CAFPY_GOLDEN names."""
    path = Path(os.environ.get("CAFPY_GOLDEN", SHARED / "golden"))
    if not path.is_dir():
        pytest.skip("needs ../shared/golden (or CAFPY_GOLDEN), which is not here")
    return path


class Web(http.server.ThreadingHTTPServer):
    """A server on loopback for tests of transfers.

    ``files`` are its contents by path, others are 404; those in ``cut`` break off in the middle; without ``ranges`` it
    sends whole files only. ``asked`` are the requests so far: path, and the Range header or None.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _WebHandler)
        self.files: dict[str, bytes] = {}
        self.cut: set[str] = set()
        self.ranges = True
        self.asked: list[tuple[str, str | None]] = []

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}{path}"


class _WebHandler(http.server.BaseHTTPRequestHandler):
    server: Web

    def do_GET(self) -> None:
        web, wanted = self.server, self.headers.get("Range")
        web.asked.append((self.path, wanted))
        body = web.files.get(self.path)
        if body is None:
            self.send_error(404)
            return
        start = 0
        if web.ranges and (match := re.fullmatch(r"bytes=(\d+)-", wanted or "")):
            start = int(match[1])
            if start >= len(body):
                self.send_error(416)
                return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        self.wfile.write(body[start : len(body) // 2] if self.path in web.cut else body[start:])

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def web() -> Iterator[Web]:
    """A `Web` that serves while the test runs."""
    with Web() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def small_zoo(web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A zoo of five small models, with an empty cache; its folder models/.

    "tiny" is published on ``web``, at /a/tiny.bin and /b/tiny.bin with its checksum, "unsure" at /unsure without one;
    "shipped" comes with its weights, "none" has none, "tuned" starts from others. All are LeNet for the digits.
    """
    source = Path(__file__).resolve().parents[1] / "models" / "lenet_digits"
    content = (source / "lenet_digits.caffemodel").read_bytes()
    checksum = f"sha256:{hashlib.sha256(content).hexdigest()}"
    web.files = dict.fromkeys(("/a/tiny.bin", "/b/tiny.bin", "/unsure"), content)
    for name, weights, said in (
        ("tiny", f"{web.url('/a/tiny.bin')} {web.url('/b/tiny.bin')}", checksum),
        ("unsure", web.url("/unsure"), "none known"),
        ("shipped", "shipped.caffemodel", checksum),
        ("none", "none known", "none known"),
        ("tuned", "those of zoo:tiny", "none known"),
    ):
        folder = tmp_path / "package" / "models" / name
        shutil.copytree(source, folder, ignore=shutil.ignore_patterns("*.caffemodel", "*.solverstate", "README.md"))
        for path in folder.glob("*.prototxt"):
            path.write_text(path.read_text("utf-8").replace("lenet_digits/", f"{name}/"), "utf-8")
        text = (source / "README.md").read_text("utf-8")
        text = re.sub(r"(?m)^weights: .*", f"weights: {weights}", text, count=1)
        text = re.sub(r"(?m)^checksum: .*", f"checksum: {said}", text, count=1)
        (folder / "README.md").write_text(text, "utf-8")
    (folder.parent / "shipped" / "shipped.caffemodel").write_bytes(content)
    shutil.copytree(
        source.parents[1] / "data" / "digits",
        folder.parents[1] / "data" / "digits",
        ignore=shutil.ignore_patterns("*_lmdb"),
    )
    monkeypatch.setattr("cafpy.snapshot.zoo.models_folder", lambda: folder.parent)
    monkeypatch.setenv("CAFPY_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("CAFPY_ZOO_MIRROR", raising=False)
    return folder.parent
