"""What feeding costs a training step: LeNet from an LMDB of 28×28 bytes, CaffeNet from one of 256×256 pixels.

    python tools/bench_feeding.py
    python tools/bench_feeding.py lenet --threads 2 --steps 300

A step is forward, backward and update. The records are made on the spot, of random bytes; CaffeNet's are cut and
mirrored. Three figures, medians:

waits    how long a step waits in its Data layer: what the reading threads have not got ready by then
slower   how much longer a step takes than one whose Data layer is left out (its batch stays), in turns: this counts
         what the reading threads take away from the step too
a core   processor time that making a batch takes, of the time of a step
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cafpy.backend import CpuBackend
from cafpy.feed.lmdb_database import LmdbWriter
from cafpy.net import Net
from cafpy.ops.update import FlatParameters
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.text import read_net
from cafpy.solvers.update_rule import update_rule

MODELS = Path(__file__).resolve().parent.parent / "models"


@dataclass(frozen=True)
class Feeding:
    """A net, its batch, the shape of a record, how many there are, and its labels."""

    model: str
    batch: int
    record: tuple[int, int, int]
    records: int
    steps: int


NETS = {
    "lenet": Feeding("lenet_mnist", 64, (1, 28, 28), 10_000, 300),
    "caffenet": Feeding("caffenet", 32, (3, 256, 256), 512, 12),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("nets", nargs="*", default=list(NETS), help=f"some of {', '.join(NETS)}")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, help="steps of each kind that count")
    args = parser.parse_args()
    print("| net, batch | step, ms | waits | slower | a core |\n|---|---|---|---|---|")
    for name in args.nets:
        with tempfile.TemporaryDirectory() as place:
            measure(name, NETS[name], Path(place) / "records", args.steps, CpuBackend(args.threads))


def measure(name: str, feeding: Feeding, database: Path, steps: int | None, backend: CpuBackend) -> None:
    """Print a row of the table."""
    make_records(feeding, database)
    net = fed_net(feeding, database, backend)
    flat = FlatParameters(*net.arena(), [p.blob.count for p in net.learnable])
    flat.rates[:], flat.decays[:] = 1e-5, 5e-4
    rule, history = update_rule(pb.SolverParameter(type="SGD", momentum=0.9)), [np.zeros_like(flat.data)]

    def step(feed: bool) -> tuple[float, float]:
        """Seconds in the Data layer, and of the whole step."""
        begin = time.perf_counter()
        if feed:
            net.forward(0, 0)
        fed = time.perf_counter()
        net.clear_param_diffs()
        net.forward(1)
        net.backward()
        rule.update(backend, flat, history, 1)
        return fed - begin, time.perf_counter() - begin

    for _ in range(4):
        step(True)
    waits, fed, unfed = [], [], []
    blocks = 6
    count = -(-(steps or feeding.steps) // blocks)
    for _ in range(blocks):
        waited, times = zip(*(step(True) for _ in range(count)), strict=True)
        waits += waited
        fed += times
        time.sleep(0.2)  # what is read ahead is full before steps without feeding begin
        unfed += [step(False)[1] for _ in range(count)]
    net.close()
    whole = statistics.median(fed)
    print(
        f"| {name} {feeding.batch} | {whole * 1e3:.1f} | {statistics.fmean(waits) / statistics.fmean(fed):.1%} "
        f"| {whole / statistics.median(unfed) - 1:.1%} | {making(feeding, database, backend) / whole:.1%} |",
        flush=True,
    )


def making(feeding: Feeding, database: Path, backend: CpuBackend) -> float:
    """Seconds of processor time that a batch takes, all threads together."""
    net = fed_net(feeding, database, backend)
    for _ in range(8):
        net.forward(0, 0)
    batches = max(16, 4096 // feeding.batch)
    begin = time.process_time()
    for _ in range(batches):
        net.forward(0, 0)
    took = time.process_time() - begin
    net.close()
    return took / batches


def fed_net(feeding: Feeding, database: Path, backend: CpuBackend) -> Net:
    """The net in phase TRAIN, reading ``database``."""
    param = read_net(MODELS / feeding.model / "train_val.prototxt")
    for layer in param.layer:
        if layer.type == "Data":
            layer.data_param.source, layer.data_param.batch_size = str(database), feeding.batch
            if layer.transform_param.mean_file:
                layer.transform_param.ClearField("mean_file")
                layer.transform_param.mean_value.extend((104, 117, 123))
    return Net(param, pb.TRAIN, backend=backend, seed=1)


def make_records(feeding: Feeding, database: Path) -> None:
    """An LMDB of random bytes."""
    rng = np.random.default_rng(0)
    channels, height, width = feeding.record

    with LmdbWriter(database) as writer:
        for i in range(feeding.records):
            data = rng.integers(0, 256, channels * height * width, np.uint8).tobytes()
            record = pb.Datum(channels=channels, height=height, width=width, data=data, label=i % 10)
            writer.put(f"{i:08d}".encode(), record.SerializeToString())
        writer.finish()


if __name__ == "__main__":
    main()
