"""Work space: one buffer for each thread and dtype, that only grows."""

import threading

import numpy as np

from cafpy.ops.kernel.workspace import workspace


def test_shared_until_a_larger_one_is_wanted():
    dtype = np.dtype(np.float32)
    buffer = workspace(1, dtype).base
    assert buffer is not None
    size = buffer.size
    first, again, larger = (workspace(n, dtype) for n in (size, size - 1 or 1, size + 10))
    assert (first.size, first.dtype) == (size, dtype)
    assert np.shares_memory(first, again)
    assert larger.size == size + 10 and not np.shares_memory(first, larger)
    assert np.shares_memory(workspace(1, dtype), larger)


def test_each_dtype_and_thread_has_its_own():
    mine, found = workspace(8, np.dtype(np.float32)), []
    assert not np.shares_memory(mine, workspace(8, np.dtype(np.float64)))
    thread = threading.Thread(target=lambda: found.append(workspace(8, np.dtype(np.float32))))
    thread.start()
    thread.join()
    assert not np.shares_memory(mine, found[0])
