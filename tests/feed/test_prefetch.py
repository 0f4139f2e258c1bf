import gc
import subprocess
import sys
import threading
import time

import pytest

from cafpy.feed import prefetch
from cafpy.feed.prefetch import Prefetcher


def wait_until(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.002)
    assert condition()


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("depth", [1, 4])
def test_batches_in_order(depth, workers):
    ahead = Prefetcher(lambda number: number, lambda number, raw: (number, raw), depth, workers)
    assert [ahead.next() for _ in range(200)] == [(i, i) for i in range(200)]
    assert ahead.handed_out == 200
    assert ahead.close()


def test_reads_one_at_a_time_and_in_order():
    inside, seen, most = threading.Semaphore(1), [], []

    def read(number):
        most.append(inside.acquire(blocking=False))
        seen.append(number)
        time.sleep(0.001)
        inside.release()

    ahead = Prefetcher(read, lambda number, raw: number, depth=4, workers=4)
    for _ in range(20):
        ahead.next()
    ahead.close()
    assert all(most) and seen == list(range(len(seen)))


@pytest.mark.parametrize("workers", [1, 3])
def test_makes_no_more_than_depth_ahead(workers):
    begun = []
    ahead = Prefetcher(lambda number: begun.append(number), lambda number, raw: number, depth=2, workers=workers)
    wait_until(lambda: len(begun) == 2)
    for taken in range(1, 6):
        ahead.next()
        wait_until(lambda taken=taken: len(begun) == taken + 2)
        time.sleep(0.01)
        assert len(begun) == taken + 2
    ahead.close()


def test_a_buffer_is_used_again_only_after_it_was_given_up():
    depth = 3
    buffers = [[-1] for _ in range(depth + 1)]

    def make(number, raw):
        buffers[number % (depth + 1)][0] = number
        return buffers[number % (depth + 1)]

    ahead = Prefetcher(lambda number: None, make, depth, workers=2)
    for number in range(100):
        batch = ahead.next()
        if number % 10 == 0:
            time.sleep(0.005)  # give the threads time to go wrong
        assert batch == [number]
    ahead.close()


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("where", ["read", "make"])
def test_an_error_is_raised_at_its_batch_and_ever_after(where, workers):
    def read(number):
        if where == "read" and number == 5:
            raise ValueError("record 5 is damaged")
        return number

    def make(number, raw):
        if where == "make" and number == 5:
            raise ValueError("record 5 is damaged")
        return number

    ahead = Prefetcher(read, make, depth=4, workers=workers)
    assert [ahead.next() for _ in range(5)] == [0, 1, 2, 3, 4]
    for _ in range(3):
        with pytest.raises(ValueError, match="record 5 is damaged"):
            ahead.next()
    assert ahead.close()


def test_closing_ends_the_threads_whatever_they_do():
    before = threading.active_count()
    full = Prefetcher(lambda number: number, lambda number, raw: raw, depth=2, workers=3)
    wait_until(lambda: len(full._line._done) == 2)  # all wait for room
    busy = Prefetcher(lambda number: time.sleep(0.05), lambda number, raw: raw, depth=2, workers=3)
    for ahead in (full, busy):
        assert ahead.close()
        assert ahead.close()
        with pytest.raises(RuntimeError, match="this prefetcher is closed"):
            for _ in range(9):
                ahead.next()
    assert threading.active_count() <= before


def test_closing_does_not_wait_for_ever(monkeypatch):
    monkeypatch.setattr(prefetch, "JOIN_SECONDS", 0.05)
    release = threading.Event()
    ahead = Prefetcher(lambda number: release.wait(), lambda number, raw: raw)
    begin = time.monotonic()
    assert not ahead.close()
    assert time.monotonic() - begin < 5
    release.set()
    wait_until(lambda: not ahead._threads[0].is_alive())


def test_waiting_ends_when_another_thread_closes():
    release = threading.Event()
    ahead = Prefetcher(lambda number: release.wait(), lambda number, raw: raw)
    threading.Timer(0.05, lambda: (release.set(), ahead._line.stop())).start()
    with pytest.raises(RuntimeError, match="closed"):
        for _ in range(100_000):
            ahead.next()


def test_nobody_holds_it_any_more():
    before = threading.active_count()
    ahead = Prefetcher(lambda number: number, lambda number, raw: raw)
    ahead.next()
    del ahead
    gc.collect()
    wait_until(lambda: threading.active_count() <= before)


PROGRAMS = {
    "end": "ahead.next()",
    "error": "ahead.next(); raise SystemExit(3)",
    "consumer died": """
import threading
def consume():
    ahead.next()
    raise KeyError("gone")
thread = threading.Thread(target=consume)
thread.start()
thread.join()
""",
    "busy": "import time; time.sleep(0.05)",
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_ends_without_closing(name):
    start = """
import time
from cafpy.feed.prefetch import Prefetcher
ahead = Prefetcher(lambda number: time.sleep(0.01), lambda number, raw: bytes(1000), depth=3, workers=2)
"""
    done = subprocess.run([sys.executable, "-c", start + PROGRAMS[name]], timeout=30, capture_output=True, text=True)
    assert done.returncode == (3 if name == "error" else 0), done.stderr
    assert "Fatal" not in done.stderr
