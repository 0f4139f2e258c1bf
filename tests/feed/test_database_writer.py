import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cafpy.errors import DataError
from cafpy.feed import lmdb_database
from cafpy.feed.backends import create_database, open_database


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(name, backend, value, count=3, **kwargs):
    with create_database(name, backend, **kwargs) as database:
        for i in range(count):
            database.put(f"{i:04d}".encode(), value)


def records(name) -> list[tuple[bytes, bytes]]:
    with open_database(name) as database:
        return [(key, bytes(value)) for key, value in map(database.record, range(len(database)))]


def names(folder) -> list[str]:
    return sorted(os.listdir(folder))


def test_nothing_is_there_before_the_end(folder, backend):
    with create_database("db", backend) as database:
        database.put(b"a", b"1")
        assert not Path("db").exists()
        assert [name.startswith("db.partial-") for name in names(folder)] == [True]
    assert names(folder) == ["db"]
    assert records("db") == [(b"a", b"1")]
    assert not [name for name in names("db") if "writing" in name]


def test_keys_in_any_order(backend):
    with create_database("db", backend) as database:
        for key in (b"b", b"d", b"a", b"c"):
            database.put(key, key * 2)
    assert records("db") == [(b"a", b"aa"), (b"b", b"bb"), (b"c", b"cc"), (b"d", b"dd")]


def test_the_map_grows(monkeypatch):
    monkeypatch.setattr(lmdb_database, "FIRST_MAP_SIZE", 1 << 16)
    write("db", "LMDB", b"x" * 5000, count=1500)
    assert records("db") == [(f"{i:04d}".encode(), b"x" * 5000) for i in range(1500)]


def test_a_failure_leaves_nothing(folder, backend):
    with pytest.raises(ZeroDivisionError), create_database("db", backend) as database:
        database.put(b"a", b"1")
        raise ZeroDivisionError
    assert names(folder) == []


def test_a_failure_leaves_the_old(folder, backend):
    write("db", backend, b"old")
    with pytest.raises(ZeroDivisionError), create_database("db", backend, force=True) as database:
        database.put(b"a", b"1")
        raise ZeroDivisionError
    assert names(folder) == ["db"]
    assert records("db")[0] == (b"0000", b"old")


@pytest.mark.parametrize("new", ["LMDB", "LEVELDB"])
def test_replacing_asks_for_force(folder, backend, new):
    pytest.importorskip("plyvel")
    write("db", backend, b"old")
    with pytest.raises(DataError) as error:
        create_database("db", new)
    assert str(error.value) == "'db' exists; give another name, or force its replacement"
    write("db", new, b"new", force=True)
    assert names(folder) == ["db"]
    assert records("db")[2] == (b"0002", b"new")


def test_old_readers_keep_what_they_read():
    write("db", "LMDB", b"old")
    with open_database("db") as database:
        write("db", "LMDB", b"new", force=True)
        assert bytes(database.record(1)[1]) == b"old"
    assert records("db")[1] == (b"0001", b"new")


def test_only_databases_are_replaced(folder):
    (folder / "photos").mkdir()
    (folder / "photos" / "a.jpg").touch()
    (folder / "notes").touch()
    for name in ("photos", "notes"):
        with pytest.raises(DataError) as error:
            create_database(name, force=True)
        text = f"'{name}' exists and is no database folder; it will not be replaced. Give another name"
        assert str(error.value) == text
    with pytest.raises(DataError) as error:
        create_database("no/db")
    assert str(error.value) == "cannot write 'no/db': the folder 'no' does not exist; make it first"
    (folder / "empty").mkdir()
    write("empty", "LMDB", b"1")
    assert len(records("empty")) == 3


def test_keys_that_cannot_be(folder, backend):
    with pytest.raises(DataError) as error, create_database("db", backend) as database:
        database.put(b"a", b"1")
        database.put(b"a", b"2")
    assert str(error.value) == "key b'a' came twice; every record needs a key of its own"
    if backend == "LMDB":
        with pytest.raises(DataError) as error, create_database("db", backend) as database:
            database.put(b"", b"1")
        assert str(error.value) == "key b'' has 0 bytes; LMDB takes keys of 1 to 511 bytes"
    assert names(folder) == []


WRITE_FOR_EVER = """
import sys
from cafpy.feed.backends import create_database
with create_database("db", sys.argv[1], force=True) as database:
    for i in range(10**9):
        database.put(b"%012d" % i, b"new" * 1000)
        if i == 3000:
            print("going", flush=True)
"""


@pytest.mark.parametrize("old", [False, True])
def test_kill_leaves_the_old_or_nothing_and_the_next_writer_cleans_up(folder, backend, old):
    if old:
        write("db", backend, b"old")
    writer = subprocess.Popen([sys.executable, "-c", WRITE_FOR_EVER, backend], stdout=subprocess.PIPE)
    try:
        assert writer.stdout.readline() == b"going\n"
        write("other", backend, b"meanwhile")  # another name: the running writer is let alone
        partial = [name for name in names(folder) if name.startswith("db.partial-")]
        assert len(partial) == 1
        os.kill(writer.pid, signal.SIGKILL)
    finally:
        writer.kill()
        writer.wait()
        writer.stdout.close()
    assert names(folder) == [*(["db"] if old else []), *partial, "other"]
    if old:
        assert records("db") == [(f"{i:04d}".encode(), b"old") for i in range(3)]
    write("db", backend, b"new", force=True)
    assert names(folder) == ["db", "other"]
    assert records("db")[0] == (b"0000", b"new")


def test_a_running_writer_of_the_same_name_is_let_alone(folder):
    with pytest.raises(DataError, match="'db' exists"), create_database("db") as first:
        first.put(b"a", b"1")
        write("db", "LMDB", b"second")
        assert len(names(folder)) == 2
    assert names(folder) == ["db"]
    assert records("db")[0] == (b"0000", b"second")


FULL = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
from cafpy.errors import DataError
from cafpy.feed.backends import create_database
try:
    with create_database("db") as database:
        for i in range(5000):
            database.put(b"%08d" % i, b"x" * 5000)
except DataError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs resource limits")
def test_a_disk_that_takes_no_more(folder):
    done = subprocess.run([sys.executable, "-c", FULL], capture_output=True, text=True, timeout=60)
    assert done.stdout.startswith("writing the database 'db' failed: "), done.stderr
    assert names(folder) == []
