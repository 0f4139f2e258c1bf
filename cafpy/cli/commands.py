"""Finds commands by file name, loads only the one that runs, and turns errors into a message and exit code 1."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

import click

from cafpy.errors import CafpyError, did_you_mean
from cafpy.version import __version__

_HERE = Path(__file__).parent


class FolderGroup(click.Group):
    """A group whose commands are the files ``<prefix>*.py`` of this folder, each with a click command ``command``."""

    def __init__(self, *args: Any, prefix: str, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.prefix = prefix

    def list_commands(self, ctx: click.Context) -> list[str]:
        names = (path.stem.removeprefix(self.prefix) for path in _HERE.glob(f"{self.prefix}*.py"))
        return sorted(name for name in names if "_" not in name)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in self.list_commands(ctx):
            return None
        command: click.Command = importlib.import_module(f"cafpy.cli.{self.prefix}{name}").command
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        name, known = args[0], self.list_commands(ctx)
        if name not in known and not name.startswith("-"):
            ctx.fail(f"there is no command '{name}'{did_you_mean(name, known)}; there are {', '.join(known)}")
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, [_double_dash(arg) for arg in args])

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except CafpyError as error:
            raise click.ClickException(str(error)) from error
        except MemoryError as error:
            raise click.ClickException(f"not enough memory: {error}. Lower batch_size or the size of layers") from error
        except OSError as error:
            place = f"{error.filename}: " if error.filename else ""
            raise click.ClickException(f"{place}{error.strerror or error}") from error


def _double_dash(arg: str) -> str:
    """Caffe's tools write `-solver x`; it means `--solver x` here."""
    return f"-{arg}" if re.match(r"-[a-z][a-z_]+", arg) else arg


@click.group(cls=FolderGroup, prefix="cmd_", context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="cafpy")
def cafpy() -> None:
    """Train, fine-tune and run neural networks declared in Caffe's prototxt files.

    \b
    cafpy train --solver solver.prototxt                    train a net
    cafpy train --solver s.prototxt --weights m.caffemodel  fine-tune one
    cafpy test --model net.prototxt --weights m.caffemodel  evaluate it
    """
