"""Weights of the zoo against a server on loopback: checked, resumed, from mirrors, from the cache."""

import hashlib
import sys
from pathlib import Path

import pytest

from cafpy.errors import WeightsError
from cafpy.snapshot.weights import read_weights
from cafpy.snapshot.zoo_cache import cache_folder, zoo_weights


@pytest.fixture
def cached(small_zoo, tmp_path) -> Path:
    """Where tiny's weights are when they are cached."""
    return tmp_path / "cache" / "zoo" / "tiny.caffemodel"


def asked(web) -> list[str]:
    return [path for path, _ in web.asked]


def test_fetched_once_and_then_from_the_cache_without_a_network(web, cached):
    assert zoo_weights("tiny") == cached
    assert cached.read_bytes() == web.files["/a/tiny.bin"]
    web.files.clear()
    assert zoo_weights("zoo:tiny") == cached
    assert asked(web) == ["/a/tiny.bin"]


def test_read_where_weights_are_read(web, cached):
    assert list(read_weights("zoo:tiny")) == ["conv1", "conv2", "ip1", "ip2"]
    assert list(read_weights(Path("zoo:tiny"))) == ["conv1", "conv2", "ip1", "ip2"]
    assert asked(web) == ["/a/tiny.bin"]


def test_a_wrong_checksum_names_both_and_leaves_nothing(web, cached):
    right = f"sha256:{hashlib.sha256(web.files['/a/tiny.bin']).hexdigest()}"
    web.files = {"/a/tiny.bin": b"<html>gone</html>", "/b/tiny.bin": b"other"}
    with pytest.raises(WeightsError) as error:
        zoo_weights("tiny")
    for content in web.files.values():
        assert f"(sha256:{hashlib.sha256(content).hexdigest()}, wanted {right}); removed" in str(error.value)
    assert list(cached.parent.iterdir()) == []


def test_a_broken_transfer_goes_on_at_the_next_mirror(web, cached):
    content = web.files["/a/tiny.bin"]
    web.cut.add("/a/tiny.bin")
    assert zoo_weights("tiny").read_bytes() == content
    assert web.asked == [("/a/tiny.bin", None), ("/b/tiny.bin", f"bytes={len(content) // 2}-")]


def test_a_broken_transfer_goes_on_at_the_next_run(web, cached):
    content = web.files["/a/tiny.bin"]
    web.cut |= {"/a/tiny.bin"}
    del web.files["/b/tiny.bin"]
    with pytest.raises(WeightsError, match=f"broke off after {len(content) // 2} of {len(content)} bytes"):
        zoo_weights("tiny")
    assert not cached.exists()
    web.cut.clear()
    assert zoo_weights("tiny").read_bytes() == content
    assert web.asked[-1] == ("/a/tiny.bin", f"bytes={len(content) // 2}-")
    assert [path.name for path in cached.parent.iterdir()] == ["tiny.caffemodel"]


def test_a_server_without_ranges_starts_again(web, cached):
    content = web.files["/a/tiny.bin"]
    web.cut.add("/a/tiny.bin")
    web.ranges = False
    assert zoo_weights("tiny").read_bytes() == content


def test_the_second_mirror_after_404(web, cached):
    del web.files["/a/tiny.bin"]
    assert zoo_weights("tiny") == cached
    assert asked(web) == ["/a/tiny.bin", "/b/tiny.bin"]


def test_mirrors_of_the_user_come_first(web, cached, tmp_path, monkeypatch):
    content = web.files["/a/tiny.bin"]
    web.files["/mine/tiny.caffemodel"] = content
    monkeypatch.setenv("CAFPY_ZOO_MIRROR", f"{web.url('/none')} {web.url('/mine/')}")
    zoo_weights("tiny", [str(tmp_path)])
    assert asked(web) == ["/none/tiny.caffemodel", "/mine/tiny.caffemodel"]
    cached.unlink()
    (tmp_path / "tiny.caffemodel").write_bytes(content)
    zoo_weights("tiny", [str(tmp_path)])
    assert len(web.asked) == 2
    assert cached.read_bytes() == content


def test_a_damaged_cache_is_fetched_anew(web, cached):
    zoo_weights("tiny")
    cached.write_bytes(b"damaged")
    assert zoo_weights("tiny").read_bytes() == web.files["/a/tiny.bin"]


def test_without_a_network_it_says_where_to_put_the_file(web, cached):
    content = web.files["/a/tiny.bin"]
    web.files.clear()
    with pytest.raises(WeightsError) as error:
        zoo_weights("tiny")
    assert str(error.value).endswith(f"Without a network, fetch it elsewhere and put it at {cached.resolve()}.")
    cached.write_bytes(content)
    assert zoo_weights("tiny") == cached


def test_shipped_weights_need_no_server_and_are_checked(web, small_zoo):
    assert zoo_weights("shipped") == small_zoo / "shipped" / "shipped.caffemodel"
    assert web.asked == []
    (small_zoo / "shipped" / "shipped.caffemodel").write_bytes(b"damaged")
    with pytest.raises(WeightsError, match=r"weights of shipped that came with cafpy are damaged: .*, wanted sha256"):
        zoo_weights("shipped")


def test_no_checksum_no_fetch_unless_it_is_said(web, small_zoo, tmp_path):
    with pytest.raises(WeightsError, match=r"no checksum is published for the weights of unsure.*--unchecked"):
        zoo_weights("unsure")
    assert web.asked == []
    path = zoo_weights("unsure", unchecked=True)
    assert path == zoo_weights("unsure") == tmp_path / "cache" / "zoo" / "unsure.caffemodel"
    assert asked(web) == ["/unsure"]


def test_models_without_weights_say_so(small_zoo):
    with pytest.raises(WeightsError, match=r"the zoo has no weights for none: none are public\. Train it: `cafpy zoo"):
        zoo_weights("none")
    with pytest.raises(WeightsError, match="no weights for tuned: it starts from those of zoo:tiny"):
        zoo_weights("tuned")
    with pytest.raises(WeightsError, match=r"no model 'tinny' \(did you mean 'tiny'"):
        zoo_weights("zoo:tinny")


def test_the_cache_is_where_the_platform_has_caches(monkeypatch, tmp_path):
    monkeypatch.setenv("CAFPY_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path / "zoo"
    monkeypatch.delenv("CAFPY_CACHE")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "cafpy" / "zoo"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache" / "cafpy" / "zoo"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert cache_folder() == Path.home() / "Library" / "Caches" / "cafpy" / "zoo"
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    assert cache_folder() == tmp_path / "local" / "cafpy" / "zoo"
