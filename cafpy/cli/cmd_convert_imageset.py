"""`cafpy convert imageset`: a folder of class folders, or a list of images, becomes a database."""

from __future__ import annotations

import re

import click

from cafpy.cli.conversion import conversion_options, print_report, progress_bar


class Size(click.ParamType):
    """ "256x320" or "256": height and width in pixels."""

    name = "HxW"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        match = re.fullmatch(r"(\d+)(?:[x×](\d+))?", value)
        if not match or int(match[1]) == 0 or match[2] == "0":
            self.fail(f"'{value}' is no size; write height×width as 256x256, or 256 for both")
        return int(match[1]), int(match[2] or match[1])


@click.command(short_help="A folder of class folders, or a list of images with labels.")
@click.argument("source")
@click.argument("out")
@click.option("--resize", type=Size(), help="Make every image this high and wide.")
@click.option("--gray", is_flag=True, help="One channel instead of three.")
@click.option("--root", metavar="FOLDER", help="What the paths in a list begin with.  [default: the working directory]")
@click.option(
    "--shuffle/--no-shuffle", default=None, help="Write in random order.  [default: class folders, yes; lists, no]"
)
@click.option("--seed", default=0, show_default=True, help="Fixes the random order.")
@click.option("--check-size", is_flag=True, help="Stop when an image differs in size from the first.")
@click.option("--encoded", is_flag=True, help="Store image files instead of pixels.")
@click.option(
    "--encode-type", default="", metavar="jpg|png", help="The kind of file to store.  [default: each file's own]"
)
@conversion_options
def command(
    source: str,
    out: str,
    resize: tuple[int, int] | None,
    gray: bool,
    root: str | None,
    shuffle: bool | None,
    seed: int,
    check_size: bool,
    encoded: bool,
    encode_type: str,
    backend: str,
    force: bool,
) -> None:
    """Make the database OUT from the images of SOURCE.

    SOURCE is a folder with one folder of images for each class, whose names go to labels.txt beside OUT, or Caffe's
    list file: a path, a space and a whole number a line. Images that cannot be read are left out and told in the end.

    \b
    cafpy convert imageset photos/ photos_lmdb --resize 256
    cafpy convert imageset train.txt train_lmdb --root images/ --shuffle
    """
    from cafpy.feed.convert.imageset import ImageOptions, convert_imageset

    options = ImageOptions(resize, gray, encoded or bool(encode_type), encode_type)
    with progress_bar(out) as progress:
        report = convert_imageset(
            source,
            out,
            options,
            root=root,
            shuffle=shuffle,
            seed=seed,
            check_size=check_size,
            backend=backend.upper(),
            force=force,
            progress=progress,
        )
    print_report(report)
