"""A net's layers by cafpy, and its convolutions and products beside the same ones by PyTorch."""

from __future__ import annotations

from collections.abc import Iterator

from competitor import Competitor, Failed
from net_steps import Task


def beside(task: Task, modes: list[str]) -> Iterator[str]:
    """The table of `cafpy time --limits`, then one of PyTorch's times: the best of ``modes``, each layer by itself.

    cafpy's are those within the net, with what runs fused behind them; PyTorch's are the least of some runs in a row,
    so they have their blobs in the cache where these fit.
    """
    yield from ask("cafpy", task, "layers")
    times: dict[str, tuple[str, list[float]]] = {}
    for mode in modes:
        try:
            for name, pair in ask(mode, task, "torch_layers").items():
                if name not in times or sum(pair) < sum(times[name][1]):
                    times[name] = mode, pair
        except Failed as error:
            yield f"PyTorch {mode}: {error}"
    if not times:
        return
    ours = ask("cafpy", task, "layer_times")
    yield f"{'layer':<44} {'cafpy':>19} {'PyTorch, by itself':>19} {'PyTorch / cafpy':>16}"
    for name, forward, backward in ours:
        mode, pair = times.get(name.split(" + ")[0], ("", []))
        if mode:
            yield (
                f"{name[:44]:<44} {forward * 1e3:>8.2f} {backward * 1e3:>7.2f} ms {pair[0] * 1e3:>8.2f} "
                f"{pair[1] * 1e3:>7.2f} ms {sum(pair) / (forward + backward):>9.2f} {mode}"
            )


def ask(name: str, task: Task, order: str) -> list | dict:
    """The answer of a competitor that lives only for it."""
    competitor = Competitor(name, task)
    try:
        competitor.build(600)
        return competitor.ask(order)
    finally:
        competitor.close()
