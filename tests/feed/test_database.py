import shutil
import sys

import lmdb
import pytest

from cafpy.errors import DataError
from cafpy.feed import leveldb_database
from cafpy.feed.backends import backend_name, create_database, open_database
from cafpy.proto import cafpy_pb2 as pb

COUNT = 9


@pytest.fixture
def path(tmp_path, monkeypatch, backend):
    """A database of the records key0 to key8 with 3,000 bytes each."""
    monkeypatch.chdir(tmp_path)
    with create_database("db", backend) as database:
        for i in reversed(range(COUNT)):
            database.put(f"key{i}".encode(), bytes([i]) * 3000)
    return "db"


def message(path, backend=None) -> str:
    with pytest.raises(DataError) as error, open_database(path, backend) as database:
        for i in range(len(database)):
            database.record(i)
    return str(error.value)


def number(record) -> int:
    key, value = record
    assert key == f"key{value[0]}".encode() and bytes(value) == bytes([value[0]]) * 3000
    return value[0]


def test_records_in_order_of_keys_over_and_over(path, backend):
    with open_database(path, backend) as database:
        assert [number(database.record(i)) for i in range(2 * COUNT + 3)] == [*range(COUNT), *range(COUNT), 0, 1, 2]
        assert len(database) == COUNT


def test_any_record_at_any_time(path):
    with open_database(path) as database:
        wanted = [4, 4, 3, 8, 0, 1000 * COUNT + 5, 17, COUNT, 2]
        assert [number(database.record(i)) for i in wanted] == [i % COUNT for i in wanted]
    with open_database(path) as database:
        assert number(database.record(12)) == 12 - COUNT


def test_count_comes_first_or_last(path):
    with open_database(path) as database:
        database.record(3)
        assert len(database) == COUNT
        assert number(database.record(4)) == 4


def test_reading_changes_no_file_and_can_be_done_twice(path, tmp_path):
    def files():
        return {file.name: (file.stat().st_mtime_ns, file.stat().st_size) for file in (tmp_path / path).iterdir()}

    before = files()
    with open_database(path) as first, open_database(path) as second:
        assert [number(first.record(5)), number(second.record(7)), number(first.record(6))] == [5, 7, 6]
        second.close()
        assert number(first.record(8)) == 8
    with open_database(path) as again:
        assert number(again.record(1)) == 1
    assert files() == before


def test_backend_names():
    assert backend_name(pb.DataParameter.LMDB) == backend_name("lmdb") == "LMDB"
    assert backend_name(pb.DataParameter.LEVELDB) == backend_name("LevelDB") == "LEVELDB"
    with pytest.raises(DataError) as error:
        backend_name("lmbd")
    assert str(error.value) == "there is no database backend 'lmbd' (did you mean 'LMDB'?); use lmdb or leveldb"


def test_missing(path, tmp_path):
    assert message("other", "lmdb") == f"the database 'other' does not exist (looked in {tmp_path})"
    shutil.move(path, "train_lmdb")
    text = f"the database 'trian_lmdb' does not exist (did you mean 'train_lmdb'?) (looked in {tmp_path})"
    assert message("trian_lmdb") == text


def test_the_other_kind(path, backend):
    if backend == "LMDB":
        default = " (without a backend, LEVELDB is meant)"
        assert message(path, "leveldb") == f"'db' is of the other kind: write `backend: LMDB`, not LEVELDB{default}"
    else:
        assert message(path, "lmdb") == "'db' is of the other kind: write `backend: LEVELDB`, not LMDB"


def test_folders_that_are_no_database(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    assert message("empty", "lmdb") == "the folder 'empty' is no LMDB: it holds no file data.mdb"
    assert message("empty", "leveldb") == "the folder 'empty' is no LEVELDB: it holds no file CURRENT"
    (tmp_path / "images" / "cats").mkdir(parents=True)
    (tmp_path / "images" / "cats" / "tom.JPG").touch()
    assert message("images") == (
        "the folder 'images' is no LMDB: it holds no file data.mdb; it holds images: make a database of them with "
        "`cafpy convert`, or use an ImageData layer"
    )


def test_empty(tmp_path, monkeypatch, backend):
    monkeypatch.chdir(tmp_path)
    if backend == "LMDB":
        lmdb.open("db").close()
    else:
        import plyvel

        plyvel.DB("db", create_if_missing=True).close()
    assert message("db") == "the database 'db' is empty (0 records); was its writer stopped?"


def test_lmdb_as_a_single_file(small):
    with open_database(small / "lmdb_spaces" / "data.mdb", "lmdb") as database:
        assert len(database) == 2
    assert "is a file; a LevelDB is a folder" in message(small / "lmdb_spaces" / "data.mdb", "leveldb")


def test_lmdb_that_is_cut_off_or_something_else(small, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    whole = (small / "lmdb_spaces" / "data.mdb").read_bytes()
    file = tmp_path / "db" / "data.mdb"
    file.parent.mkdir()
    for size in (len(whole) - 1, 8192):
        file.write_bytes(whole[:size])
        assert message("db") == (
            f"the database 'db' is cut off: data.mdb has {size:,} bytes and should have 20,480; copy or make it again"
        )
    file.write_bytes(b"")
    assert message("db") == "the database 'db' is cut off: data.mdb has 0 bytes; copy or make it again"
    file.write_bytes(b"some text" * 1000)
    assert message("db") == "the database 'db' cannot be opened as an LMDB: it is no LMDB, or damaged"
    file.write_bytes(whole[:8192] + b"\xa5" * (len(whole) - 8192))
    assert message("db").startswith("the database 'db' is damaged: ")


def test_leveldb_that_is_cut_off_or_damaged(tmp_path, monkeypatch):
    pytest.importorskip("plyvel")
    monkeypatch.chdir(tmp_path)
    with create_database("db", "leveldb") as database:
        for i in range(100):
            database.put(f"{i:03d}".encode(), i.to_bytes(2, "big") * 10_000)
    (table,) = (tmp_path / "db").glob("*.ldb")
    whole = table.read_bytes()
    table.write_bytes(whole[:-1])
    assert message("db") == f"the database 'db' is damaged: its file {table.name} is cut off; copy or make it again"
    middle = len(whole) // 2
    table.write_bytes(whole[:middle] + bytes([whole[middle] ^ 255]) + whole[middle + 1 :])
    assert message("db").startswith("the database 'db' is damaged: ")
    with open_database("db") as database, pytest.raises(DataError) as error:
        for i in range(100):
            database.record(i)
    assert "the database 'db' is damaged at record " in str(error.value)


def test_leveldb_without_plyvel(small, tmp_path, monkeypatch):
    (tmp_path / "CURRENT").touch()
    monkeypatch.setitem(sys.modules, "plyvel", None)
    assert message(tmp_path, "leveldb") == (
        f"'{tmp_path}': LevelDB needs the package plyvel, which is not installed: `pip install plyvel`. "
        "Or use an LMDB, which needs nothing: `backend: LMDB`"
    )


def test_leveldb_leaves_no_temporary_folder(tmp_path, monkeypatch):
    pytest.importorskip("plyvel")
    with create_database(tmp_path / "db", "leveldb") as database:
        database.put(b"key", b"value")
    shadows = tmp_path / "shadows"
    shadows.mkdir()
    monkeypatch.setattr(leveldb_database.tempfile, "tempdir", str(shadows))
    with open_database(tmp_path / "db") as database:
        assert bytes(database.record(0)[1]) == b"value"
        assert list(shadows.iterdir())
    assert not list(shadows.iterdir())
