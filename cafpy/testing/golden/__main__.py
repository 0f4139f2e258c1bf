"""Command line of the golden runner."""

from __future__ import annotations

import logging
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import click

from cafpy.backend import Backend, CpuBackend, GpuBackend
from cafpy.testing.fake_device import FakeBackend
from cafpy.testing.golden.formats import recordings

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
@click.option("--only", metavar="WORD", default="", help="Only cases with this word in their file's name.")
def main(paths: tuple[Path, ...], backend: str, plain: bool, only: str) -> None:
    """Run recordings (folders of them, or single files) and compare; exit with 1 if a case fails."""
    logging.getLogger("cafpy").setLevel(logging.ERROR)  # notes on what was upgraded
    device = BACKENDS["plain" if plain else backend]()
    passed: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    for file, runner in recordings(paths):
        if only not in file.stem:
            continue
        for outcome in runner(file, device):
            (passed if outcome.passed else failed)[outcome.kind] += 1
            if not outcome.passed:
                print(f"FAIL {outcome.name} (worst error {outcome.error:.1e}): {_text(outcome.problems)}", flush=True)
    for kind in sorted(passed | failed):
        print(f"{kind:28} {passed[kind]:4} passed {failed[kind]:4} failed")
    print(f"{'all':28} {passed.total():4} passed {failed.total():4} failed")
    sys.exit(1 if failed or not passed else 0)


def _text(problems: Sequence[str]) -> str:
    shown = "; ".join(problems[:4])
    return shown if len(problems) <= 4 else f"{shown}; and {len(problems) - 4} more"


if __name__ == "__main__":
    main()
