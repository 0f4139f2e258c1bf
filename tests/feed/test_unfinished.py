import pytest

from cafpy.feed import unfinished
from cafpy.feed.backends import create_database, open_database


@pytest.fixture(params=["LMDB", "LEVELDB"])
def backend(request):
    if request.param == "LEVELDB":
        pytest.importorskip("plyvel")
    return request.param


def stop(path, backend, identity, count=3):
    with pytest.raises(KeyboardInterrupt), create_database(path, backend, identity=identity) as database:
        for i in range(count):
            database.put(b"%d" % i, b"v%d" % i)
        raise KeyboardInterrupt
    assert not path.exists()


def left(path):
    return list(path.parent.glob("*.partial-*"))


def test_the_same_is_taken_up(tmp_path, backend):
    path = tmp_path / "db"
    stop(path, backend, "a")
    (folder,) = left(path)
    with create_database(path, backend, identity="a", resume=True) as database:
        assert database.there == {b"0", b"1", b"2"} and database.value(b"1") == b"v1"
        database.put(b"3", b"v3")
    assert not folder.exists() and not left(path)
    with open_database(path) as database:
        assert [tuple(map(bytes, database.record(i))) for i in range(4)] == [(b"%d" % i, b"v%d" % i) for i in range(4)]
    assert not (path / unfinished.IDENTITY_NAME).exists() and not (path / unfinished.LOCK_NAME).exists()


@pytest.mark.parametrize(("identity", "resume"), [("b", True), ("a", False), ("", True)])
def test_anything_else_begins_anew(tmp_path, backend, identity, resume):
    stop(tmp_path / "db", backend, "a")
    with create_database(tmp_path / "db", backend, identity=identity, resume=resume) as database:
        assert not database.there
        database.put(b"1", b"other")
    assert not left(tmp_path / "db")
    with open_database(tmp_path / "db") as database:
        assert len(database) == 1


def test_nothing_is_taken_up_after_the_machine_was_started_anew(tmp_path, backend, monkeypatch):
    stop(tmp_path / "db", backend, "a")
    boot = tmp_path / "boot_id"
    for content in ("another start", None):
        if content:
            boot.write_text(content)
        else:
            boot.unlink()
        monkeypatch.setattr(unfinished, "BOOT_ID", boot)
        with create_database(tmp_path / "db", backend, force=True, identity="a", resume=True) as database:
            assert not database.there
            database.put(b"1", b"v")
        monkeypatch.undo()
        stop(tmp_path / "other", backend, "a")


def test_what_is_in_use_is_left_alone(tmp_path, backend):
    with create_database(tmp_path / "db", backend, identity="a") as one:
        one.put(b"1", b"first")
        with create_database(tmp_path / "db", backend, identity="a", resume=True) as two:
            assert not two.there
            two.put(b"1", b"second")
        one.force = True
    with open_database(tmp_path / "db") as database:
        assert bytes(database.record(0)[1]) == b"first"


def test_a_damaged_one_begins_anew(tmp_path):
    stop(tmp_path / "db", "LMDB", "a")
    (folder,) = left(tmp_path / "db")
    (folder / "data.mdb").write_bytes(b"nothing" * 2000)
    with create_database(tmp_path / "db", identity="a", resume=True) as database:
        assert not database.there
        database.put(b"1", b"v")
    assert not left(tmp_path / "db")


def test_an_error_leaves_nothing(tmp_path, backend):
    with pytest.raises(RuntimeError), create_database(tmp_path / "db", backend, identity="a") as database:
        database.put(b"1", b"v")
        raise RuntimeError
    assert not list(tmp_path.iterdir())
