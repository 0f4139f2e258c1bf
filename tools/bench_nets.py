"""Whole nets: cafpy beside PyTorch (and ONNX Runtime, and Caffe where it is installed), the same prototxt, in one run.

    python tools/bench_nets.py                       a training step of every net of the table
    python tools/bench_nets.py lenet resnet50        some of them
    python tools/bench_nets.py --model net.prototxt --shape 3,224,224 --batch 8
    python tools/bench_nets.py --inference           the deploy nets, batches of 1 and 16, ONNX Runtime too
    python tools/bench_nets.py --memory              peak memory in place of time; with --inference too
    python tools/bench_nets.py --layers lenet        layer by layer, with the share of the limit, convolutions beside
                                                     PyTorch's

Needs PyTorch, for inference onnxruntime and onnx (`pip install torch onnxruntime onnx`), which cafpy itself does not.
A training step is forward, backward and update (SGD with momentum and weight decay) on random data. Every competitor
has a process of its own (tools/competitor.py says why), warms up, and has its output compared with cafpy's; then they
take turns of half a second, so that a change of the machine's speed meets all of them alike. Figures are medians of the
steps in milliseconds, with the span of the middle half behind. The ratio is the best other over cafpy.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from caffe_time import caffe_program, has_pycaffe, run_caffe_time
from field import PAUSE, Field, time_all
from layers_beside import beside
from net_steps import TORCH_MODES, Task, net_of

ROOT = Path(__file__).resolve().parent.parent
TITLES = {
    "cafpy_apart": "cafpy --no-share-memory",
    "nchw": "PyTorch NCHW",
    "channels_last": "PyTorch channels last",
    "compile": "PyTorch compile",
    "onnxruntime": "ONNX Runtime",
    "caffe": "Caffe",
}


@dataclass(frozen=True)
class Bench:
    """A net of the table: its folder under models/, its batch, the shape of one image."""

    folder: str
    batch: int
    shape: tuple[int, int, int]


NETS = {
    "lenet": Bench("lenet_mnist", 64, (1, 28, 28)),
    "cifar10_full": Bench("cifar10_full", 100, (3, 32, 32)),
    "alexnet": Bench("alexnet", 32, (3, 227, 227)),
    "caffenet": Bench("caffenet", 32, (3, 227, 227)),
    "googlenet": Bench("googlenet", 16, (3, 224, 224)),
    "resnet50": Bench("resnet50", 8, (3, 224, 224)),
    "vgg16": Bench("vgg16", 4, (3, 224, 224)),
    "mobilenet_v1": Bench("mobilenet_v1", 8, (3, 224, 224)),
    "mobilenet_v2": Bench("mobilenet_v2", 8, (3, 224, 224)),
    "squeezenet": Bench("squeezenet_v1.1", 16, (3, 227, 227)),
}


def tasks(args: argparse.Namespace) -> list[tuple[str, Task]]:
    """What to run, each with its name in the table."""
    found = []
    file = "deploy.prototxt" if args.inference else "train_val.prototxt"
    nets = {name: (str(ROOT / "models" / NETS[name].folder / file), NETS[name]) for name in args.nets}
    if args.model:
        path = Path(args.model).resolve()
        nets = {f"{path.parent.name}/{path.stem}": (str(path), None)}
    for name, (path, bench) in nets.items():
        batches = args.batch or ([1, 16] if args.inference else [bench.batch if bench else 16])
        shape = args.shape or (bench.shape if bench else None)
        found += [(f"{name}, {batch}", Task(path, batch, shape, not args.inference, args.threads)) for batch in batches]
    return found


def columns(args: argparse.Namespace) -> list[str]:
    """The competitors, cafpy first."""
    ours = ["cafpy", "cafpy_apart"] if args.memory else ["cafpy"]
    modes = [mode for mode in args.modes.split(",") if mode]
    unknown = [mode for mode in modes if mode not in TITLES]
    if unknown:
        raise SystemExit(f"--modes {unknown[0]}: there are {', '.join(TITLES)}")
    if importlib.util.find_spec("torch") is None:
        print("PyTorch is not installed: its columns are left out", file=sys.stderr)
        modes = [mode for mode in modes if mode not in TORCH_MODES]
    if args.inference and "onnxruntime" not in modes and importlib.util.find_spec("onnxruntime"):
        modes.append("onnxruntime")
    caffe = ["caffe"] if has_pycaffe() or (caffe_program() and not args.memory) else []
    return [*ours, *(mode for mode in modes if mode not in ours), *caffe]


def show(times: list[float]) -> str:
    """ "12.3 (11.9–13.0)": the median and the middle half."""
    digits = 2 if statistics.median(times) < 10 else 1 if statistics.median(times) < 1000 else 0
    if len(times) < 4:
        return f"{statistics.median(times):.{digits}f}"
    low, _, high = statistics.quantiles(times, n=4)
    return f"{statistics.median(times):.{digits}f} ({low:.{digits}f}–{high:.{digits}f})"


def time_cells(names: list[str], task: Task, args: argparse.Namespace) -> list[str]:
    """The cells of a net's line: milliseconds, the ratio, what bounds cafpy."""
    field = Field(task, args.budget, compare=True, quiet=not args.verbose)
    program = None if has_pycaffe() else caffe_program()
    try:
        times = time_all(field, [name for name in names if name != "caffe" or not program], args.seconds, args.alone)
        middle = {name: statistics.median(values) for name, values in times.items()}
        cells = field.said | {name: show(values) for name, values in times.items()}
        if "caffe" in names and program:
            try:
                middle["caffe"] = run_caffe_time(program, net_of(task), task.training)
                cells["caffe"] = f"{middle['caffe']:.1f}"
            except ValueError as error:
                cells["caffe"] = str(error)
        ratio = best_ratio(middle)
        bound = ""
        if (ratio is None or ratio < args.goal) and "cafpy" in field.ready and "cafpy" not in field.said:
            time.sleep(PAUSE)
            bound = field.ready["cafpy"].ask("bounds")
    finally:
        field.stop()
    return [*(cells[name] for name in names), f"{ratio:.2f}" if ratio else "", bound]


def memory_cells(names: list[str], task: Task, args: argparse.Namespace) -> list[str]:
    """The cells of a net's line: MB, and the ratio."""
    field = Field(task, args.budget, compare=False, quiet=not args.verbose)
    values = {}
    for name in names:
        try:
            if field.start(name):
                values[name] = field.ready[name].ask("memory", steps=3)
        finally:
            field.stop()
    cells = field.said | {name: f"{value:.0f}" for name, value in values.items()}
    ratio = best_ratio(values)
    return [*(cells[name] for name in names), f"{ratio:.2f}" if ratio else ""]


def best_ratio(values: dict[str, float]) -> float | None:
    """The smallest of PyTorch's and ONNX Runtime's over cafpy's."""
    others = [value for name, value in values.items() if name in TORCH_MODES or name == "onnxruntime"]
    return min(others) / values["cafpy"] if others and "cafpy" in values else None


def print_layers(task: Task, args: argparse.Namespace) -> None:
    """cafpy's table, and its convolutions and products beside PyTorch's."""
    for line in beside(task, [mode for mode in args.modes.split(",") if mode in ("nchw", "channels_last")]):
        print(line, flush=True)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("nets", nargs="*", default=list(NETS), help=f"some of {', '.join(NETS)}")
    parser.add_argument("--model", help="any other net's prototxt, in place of the table's")
    parser.add_argument("--shape", type=_shape, help="of one image, as in 3,224,224; by default as the net says")
    parser.add_argument("--batch", type=_integers, help="batch sizes, as in 1,16; by default the table's")
    parser.add_argument("--inference", action="store_true", help="forward in phase TEST only")
    parser.add_argument("--memory", action="store_true", help="peak memory in place of time")
    parser.add_argument("--layers", action="store_true", help="layer by layer")
    parser.add_argument("--modes", default="nchw,channels_last,compile", help=f"columns: some of {', '.join(TITLES)}")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--seconds", type=float, help="for each race (default 20, for inference 10)")
    parser.add_argument("--alone", action="store_true", help="one after the other, for comparison, not in turns")
    parser.add_argument("--budget", type=float, default=120, help="seconds that torch.compile may take for a net")
    parser.add_argument(
        "--goal", type=float, default=1.5, help="below this ratio the last column says what bounds cafpy"
    )
    parser.add_argument("--out", help="write the table to this file too")
    parser.add_argument("--verbose", action="store_true", help="show the warnings of the libraries")
    args = parser.parse_args()
    kernels = os.environ.get("OPENBLAS_CORETYPE", "SkylakeX")  # this is what cafpy itself asks for, if anything
    if kernels != "SkylakeX":
        print(f"OPENBLAS_CORETYPE={kernels} may hold cafpy's products back: unset it", file=sys.stderr)
    args.seconds = args.seconds or (10 if args.inference else 20)
    for name in args.nets:
        if name not in NETS:
            parser.error(f"there is no net '{name}' in the table; there are {', '.join(NETS)}, or --model FILE")
    return args


def _shape(text: str) -> tuple[int, ...]:
    return tuple(int(n) for n in text.split(","))


def _integers(text: str) -> list[int]:
    return [int(n) for n in text.split(",")]


def main() -> None:
    args = parse_arguments()
    begin = time.perf_counter()
    lines: list[str] = []

    def say(line: str) -> None:
        """To standard output at once, and to the file, which is whole after every line."""
        print(line, flush=True)
        lines.append(line)
        if args.out:
            Path(args.out).write_text("\n".join(lines) + "\n")

    if args.layers:
        for _, task in tasks(args):
            print_layers(task, args)
        return
    names = columns(args)
    head = ["net, batch", *(TITLES.get(name, name) for name in names), "best other / cafpy"]
    head += [] if args.memory else ["what bounds cafpy"]
    say("| " + " | ".join(head) + " |")
    say("|" + "---|" * len(head))
    for title, task in tasks(args):
        print(f"{title}:", file=sys.stderr)
        cells = memory_cells(names, task, args) if args.memory else time_cells(names, task, args)
        say(f"| {title} | " + " | ".join(cells) + " |")
    print(f"{(time.perf_counter() - begin) / 60:.1f} minutes", file=sys.stderr)


if __name__ == "__main__":
    main()
