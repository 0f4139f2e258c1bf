"""Options of the commands that convert image files: size, channels, labels, threads, limits."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import click

MOST_PIXELS_A_SIDE = 16384


class Size(click.ParamType):
    """ "256x320" or "256": height and width in pixels."""

    name = "HxW"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        match = re.fullmatch(r"(\d+)(?:[x×](\d+))?", value)
        if not match or int(match[1]) == 0 or match[2] == "0":
            self.fail(f"'{value}' is no size; write height×width as 256x256, or 256 for both")
        size = int(match[1]), int(match[2] or match[1])
        if max(size) > MOST_PIXELS_A_SIDE:
            self.fail(f"'{value}' is too large; the most is {MOST_PIXELS_A_SIDE} pixels a side")
        return size


class Split(click.ParamType):
    """ "0.8/0.2" or "80/20": the shares of two parts; gives the first."""

    name = "A/B"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> float:
        match = re.fullmatch(r"(\d*\.?\d+)/(\d*\.?\d+)", value)
        parts = (float(match[1]), float(match[2])) if match else (0.0, 0.0)
        if min(parts) <= 0 or not any(abs(sum(parts) - whole) < 1e-6 * whole for whole in (1, 100)):
            self.fail(f"'{value}' is no split; write two shares that make 1 or 100, as 0.8/0.2 or 80/20")
        return parts[0] / sum(parts)


def image_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that all conversions of images have to a click command."""
    for option in (
        click.option(
            "--max-pixels", default=100_000_000, show_default=True, type=click.IntRange(1),
            help="Leave out larger images, without decoding them.",
        ),
        click.option(
            "--jobs", type=click.IntRange(1), help="Threads that read, decode and resize.  [default: one a core]"
        ),
        click.option("--seed", default=0, show_default=True, help="Fixes the random order and the split."),
        click.option("--labels", metavar="FILE", help="Names of the classes, one a line: the first is label 0."),
        click.option("--gray", is_flag=True, help="One channel instead of three."),
        click.option("--resize", type=Size(), help="Make every image this high and wide."),
    ):  # fmt: skip
        command = option(command)
    return command


root_option = click.option(
    "--root", metavar="FOLDER", help="What the paths in a list begin with.  [default: the working directory]"
)


def imageset_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that conversions of images to a database have beyond :func:`image_options`."""
    for option in (
        click.option(
            "--quality", type=click.IntRange(1, 100), help="Of JPEG files to store.  [default: 95, or as they are]"
        ),
        click.option(
            "--encode-type", default="", metavar="jpg|png",
            type=click.Choice(["", "jpg", "jpeg", "png"], case_sensitive=False),
            help="The kind of file to store.  [default: each file's own]",
        ),
        click.option("--encoded", is_flag=True, help="Store image files instead of pixels."),
        click.option("--check-size", is_flag=True, help="Stop when an image differs in size from the first."),
        click.option(
            "--shuffle/--no-shuffle", default=None,
            help="Write in random order.  [default: class folders, yes; lists, no]",
        ),
        click.option("--split", type=Split(), help="Make OUT_train and OUT_test, with these shares of each class."),
    ):  # fmt: skip
        command = option(command)
    return command
