"""Command line of the golden runner."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import click

from cafpy.backend import Backend, CpuBackend, GpuBackend
from cafpy.testing.fake_device import FakeBackend
from cafpy.testing.golden.layers import run_layer
from cafpy.testing.golden.outcome import Outcome

BACKENDS: dict[str, Callable[[], Backend]] = {
    "cpu": CpuBackend,
    "plain": Backend,
    "fake": FakeBackend,
    "gpu": GpuBackend,
}


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--backend", type=click.Choice(list(BACKENDS)), default="cpu", help="Where to run.  [default: cpu]")
@click.option("--plain", is_flag=True, help="Short for --backend plain.")
@click.option("--only", metavar="WORD", default="", help="Only cases with this word in their name.")
def main(paths: tuple[Path, ...], backend: str, plain: bool, only: str) -> None:
    """Run golden folders or single files; exit with 1 if a case fails."""
    device = BACKENDS["plain" if plain else backend]()
    counts: dict[str, Counter[str]] = {}
    for outcome in outcomes(paths, device, only):
        counts.setdefault(outcome.kind, Counter())["passed" if outcome.passed else "failed"] += 1
        if not outcome.passed:
            print(f"FAIL {outcome.name} ({outcome.error:.1e}): {'; '.join(outcome.problems)}")
    for kind, count in sorted(counts.items()):
        print(f"{kind:28} {count['passed']:4} passed {count['failed']:4} failed")
    failed = sum(count["failed"] for count in counts.values())
    print(f"{'all':28} {sum(c['passed'] for c in counts.values()):4} passed {failed:4} failed")
    sys.exit(1 if failed or not counts else 0)


def outcomes(paths: Iterable[Path], backend: Backend, only: str = "") -> Iterator[Outcome]:
    """Run every case at or under these paths whose file name has the word ``only``."""
    for path in paths:
        files = [path] if path.is_file() else sorted(path.rglob("*.npz"))
        for file in files:
            if only in file.stem and "__" in file.stem:
                yield run_layer(file, backend)


if __name__ == "__main__":
    main()
