"""The command group: names that do not exist, errors that are no CafpyError."""

from pathlib import Path

import click
from click.testing import CliRunner

from cafpy.cli import main
from cafpy.cli.commands import FolderGroup


def test_unknown_command() -> None:
    result = CliRunner().invoke(main, ["trian"])
    assert result.exit_code == 2
    assert "there is no command 'trian' (did you mean 'train'?); there are convert, " in result.output


def test_one_dash_as_in_caffe() -> None:
    result = CliRunner().invoke(main, ["train", "-solver", "nowhere.prototxt"])
    assert (result.exit_code, result.output) == (
        1,
        f"Error: the file 'nowhere.prototxt' does not exist (looked in {Path.cwd()})\n",
    )


def test_no_memory() -> None:
    @click.group(cls=FolderGroup, prefix="none_", invoke_without_command=True)
    def group() -> None:
        raise MemoryError("Unable to allocate 1.16 TiB")

    result = CliRunner().invoke(group, [])
    assert result.exit_code == 1
    assert result.output.startswith("Error: not enough memory: Unable to allocate 1.16 TiB. Lower batch_size")
