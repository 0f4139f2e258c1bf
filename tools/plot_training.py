"""Draw a training log: loss and test accuracy over iterations.

    cafpy train --solver solver.prototxt 2> train.log
    python tools/plot_training.py train.log curve.svg

Reads logs of `cafpy train` and of `caffe train`. Needs matplotlib, which cafpy itself does not.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

LOSS = re.compile(r"Iteration (\d+) \(.*\), loss = ([-+.\deE]+)")
TEST = re.compile(r"Iteration (\d+), Testing net \(#(\d+)\)")
OUTPUT = re.compile(r"Test net output #\d+: (\S+) = ([-+.\deE]+)")

Curve = list[tuple[int, float]]


def read_log(text: str) -> tuple[Curve, dict[str, Curve]]:
    """Training loss, and each test output by name, as (iteration, value) pairs."""
    loss: Curve = []
    outputs: dict[str, Curve] = {}
    iteration = 0
    for line in text.splitlines():
        if match := LOSS.search(line):
            loss.append((int(match[1]), float(match[2])))
        elif match := TEST.search(line):
            iteration = int(match[1])
        elif match := OUTPUT.search(line):
            outputs.setdefault(match[1], []).append((iteration, float(match[2])))
    return loss, outputs


def draw(loss: Curve, outputs: dict[str, Curve], path: Path, title: str) -> None:
    """Write the picture; its kind follows from the suffix of ``path``."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot as plt

    figure, left = plt.subplots(figsize=(7, 3.2), layout="constrained")
    left.plot(*zip(*loss, strict=True), color="tab:blue", linewidth=1, label="training loss")
    left.set(xlabel="iteration", ylabel="loss", yscale="log", title=title)
    right = left.twinx()
    for name, curve in outputs.items():
        axes, colour = (left, "tab:cyan") if "loss" in name else (right, "tab:orange")
        axes.plot(*zip(*curve, strict=True), "o-", color=colour, markersize=3, label=f"test {name}")
    right.set(ylabel="accuracy", ylim=(None, 1.005))
    left.grid(alpha=0.3)
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    figure.savefig(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("log", type=Path)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--title", default="")
    args = parser.parse_args()
    loss, outputs = read_log(args.log.read_text())
    if not loss:
        raise SystemExit(f"{args.log} has no line of the form 'Iteration 100 (…), loss = …'")
    draw(loss, outputs, args.picture, args.title)


if __name__ == "__main__":
    main()
