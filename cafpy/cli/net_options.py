"""The options that name a net and its state, the same for every command that runs one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click


def net_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --model to a click command."""
    return click.option("--model", required=True, metavar="FILE", help="The net's prototxt.")(command)


def layers_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --layers, whose files are plugged in before the command runs."""

    def plug_in_all(ctx: click.Context, option: click.Parameter, files: tuple[str, ...]) -> None:
        if not files:
            return
        from cafpy.registry import plug_in

        for file in files:
            plug_in(file)

    return click.option(
        "--layers",
        multiple=True,
        metavar="FILE",
        expose_value=False,
        callback=plug_in_all,
        help="A Python file with layer types of your own; may be repeated.",
    )(command)


def memory_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --share-memory, on where nobody looks at blobs."""
    return click.option(
        "--share-memory/--no-share-memory",
        default=True,
        show_default=True,
        help="Let blobs that are never needed together use the same memory.",
    )(command)


def fuse_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --fuse, on where nobody asks for single layers."""
    return click.option(
        "--fuse/--no-fuse",
        default=True,
        show_default=True,
        help="Let layers run as one where that is faster and all blobs hold the same.",
    )(command)


def state_options(default_phase: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add --phase, --level and --stage, the net state that include and exclude rules look at."""

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        phases = click.Choice(["TRAIN", "TEST"], case_sensitive=False)
        for option in (
            click.option("--stage", multiple=True, metavar="NAME", help="A stage of the net state; may be repeated."),
            click.option("--level", default=0, show_default=True, help="The level of the net state."),
            click.option(
                "--phase", default=default_phase, show_default=True, type=phases, help="Which layers take part."
            ),
        ):
            command = option(command)
        return command

    return add


def read_model(path: str) -> Any:
    """The NetParameter in the file."""
    from cafpy.proto.text import read_net

    return read_net(path)
