"""How long `cafpy train` takes from the start of its process to the first iteration of LeNet.

    python tools/bench_startup.py               with Numba's cache as a second run finds it, and with an empty one
    python tools/bench_startup.py --imports     what the imports take, the longest of them

The net and the solver are those of models/lenet_mnist, with a database of random images and without tests and
snapshots. Times are seconds until the log line of iteration 0 (forward, backward and the loss are done) and until the
process ends (updated, too). Nothing but cafpy is needed.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from cafpy.feed.datum import image_to_datum
from cafpy.feed.lmdb_database import LmdbWriter

ROOT = Path(__file__).resolve().parent.parent
TRAIN = [sys.executable, "-c", "from cafpy.cli import main; main()", "train", "--cpu", "--solver"]


def make_example(folder: Path) -> Path:
    """A solver file in ``folder`` that does one iteration, with its net and 128 random images."""
    rng = np.random.default_rng(0)
    with LmdbWriter(folder / "images_lmdb") as database:
        for i in range(128):
            datum = image_to_datum(rng.integers(0, 256, (1, 28, 28), np.uint8), int(rng.integers(10)))
            database.put(f"{i:08d}".encode(), datum.SerializeToString())
    net = (ROOT / "models" / "lenet_mnist" / "train_val.prototxt").read_text()
    (folder / "net.prototxt").write_text(re.sub(r'source: "[^"]*"', f'source: "{folder}/images_lmdb"', net))
    (folder / "solver.prototxt").write_text(
        f'net: "{folder}/net.prototxt" base_lr: 0.01 lr_policy: "fixed" momentum: 0.9 display: 1 max_iter: 1 '
        f'snapshot_after_train: false random_seed: 1 snapshot_prefix: "{folder}/lenet"'
    )
    return folder / "solver.prototxt"


def run(solver: Path, cache: Path | None = None) -> tuple[float, float]:
    """Seconds to the first iteration and to the end; Numba's cache in ``cache`` or where it always is.

    Raises SystemExit with the log when training fails.
    """
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    if cache:
        environment["NUMBA_CACHE_DIR"] = str(cache)
    begin = time.perf_counter()
    process = subprocess.Popen([*TRAIN, str(solver)], stderr=subprocess.PIPE, env=environment, text=True)
    first, log = 0.0, []
    for line in process.stderr:
        log.append(line)
        if "] Iteration 0 (" in line:
            first = time.perf_counter() - begin
    code = process.wait()
    if code or not first:
        raise SystemExit("".join(log))
    return first, time.perf_counter() - begin


def longest_imports(solver: Path, count: int = 25) -> list[str]:
    """The lines of `python -X importtime` with the longest times of their own and with all they import."""
    command = [sys.executable, "-X", "importtime", *TRAIN[1:], str(solver)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    rows = [line.split("|") for line in done.stderr.splitlines() if re.match(r"import time: +\d", line)]
    rows.sort(key=lambda row: int(row[1]), reverse=True)
    return [f"{int(row[1]) / 1e3:>8.1f} ms  {row[2].rstrip()}" for row in rows[:count]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7, help="with a warm cache")
    parser.add_argument("--fresh", type=int, default=2, help="runs with an empty cache")
    parser.add_argument("--imports", action="store_true", help="the longest imports")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        solver = make_example(Path(name))
        run(solver)  # fills the cache
        if args.imports:
            print("\n".join(longest_imports(solver)))
            return
        print("| LeNet, Numba's cache | first iteration, s | process, s |\n|---|---|---|")
        line("warm", [run(solver) for _ in range(args.runs)])
        line("empty", [run(solver, Path(name) / f"cache{i}") for i in range(args.fresh)])


def line(what: str, times: list[tuple[float, float]]) -> None:
    """A row: medians, and the least and the most."""
    cells = [f"{statistics.median(t):.2f} ({min(t):.2f}–{max(t):.2f})" for t in zip(*times, strict=True)]
    print(f"| {what} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
