"""`cafpy convert imageset`: a folder of class folders, or a list of images, becomes a database."""

from __future__ import annotations

import click

from cafpy.cli.conversion import conversion_options, print_report, progress_bar
from cafpy.cli.image_options import Split, image_options


@click.command(short_help="A folder of class folders, or a list of images with labels.")
@click.argument("source")
@click.argument("out")
@image_options
@click.option("--split", type=Split(), help="Make OUT_train and OUT_test, with these shares of each class.")
@click.option(
    "--shuffle/--no-shuffle", default=None, help="Write in random order.  [default: class folders, yes; lists, no]"
)
@click.option("--check-size", is_flag=True, help="Stop when an image differs in size from the first.")
@click.option("--encoded", is_flag=True, help="Store image files instead of pixels.")
@click.option(
    "--encode-type", default="", metavar="jpg|png", help="The kind of file to store.  [default: each file's own]"
)
@click.option("--quality", type=click.IntRange(1, 100), help="Of JPEG files to store.  [default: 95, or as they are]")
@conversion_options
def command(
    source: str,
    out: str,
    resize: tuple[int, int] | None,
    gray: bool,
    root: str | None,
    labels: str | None,
    seed: int,
    jobs: int | None,
    max_pixels: int,
    split: float | None,
    shuffle: bool | None,
    check_size: bool,
    encoded: bool,
    encode_type: str,
    quality: int | None,
    backend: str,
    force: bool,
) -> None:
    """Make the database OUT from the images of SOURCE.

    SOURCE is a folder with one folder of images for each class, whose names go to labels.txt beside OUT; or Caffe's
    list file: a path, a space and a whole number (with --labels also a name) a line; or a .csv file with the header
    path,label. Images that cannot be read are left out and told in the end.

    \b
    cafpy convert imageset photos/ photos_lmdb --resize 256
    cafpy convert imageset photos/ photos --resize 256 --encoded --split 0.8/0.2
    cafpy convert imageset train.txt train_lmdb --root images/ --shuffle
    """
    from cafpy.feed.convert.class_folders import read_labels
    from cafpy.feed.convert.image_record import ImageOptions
    from cafpy.feed.convert.imageset import convert_parts

    options = ImageOptions(resize, gray, encoded or bool(encode_type), encode_type, quality, max_pixels)
    with progress_bar(out) as progress:
        reports = convert_parts(
            source,
            [out] if split is None else [f"{out}_train", f"{out}_test"],
            options,
            fraction=split or 1.0,
            root=root,
            labels=read_labels(labels) if labels else None,
            shuffle=shuffle,
            seed=seed,
            check_size=check_size,
            backend=backend.upper(),
            force=force,
            jobs=jobs,
            progress=progress,
        )
    for report in reports:
        print_report(report)
