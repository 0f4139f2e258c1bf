"""`cafpy convert imageset`: a folder of class folders, or a list of images, becomes a database."""

from __future__ import annotations

from typing import Any

import click

from cafpy.cli.conversion import conversion_options, convert_images
from cafpy.cli.image_options import image_options, imageset_options, root_option


@click.command(short_help="A folder of class folders, or a list of images with labels.")
@click.argument("source")
@click.argument("out")
@image_options
@root_option
@imageset_options
@conversion_options
def command(source: str, out: str, root: str | None, **options: Any) -> None:
    """Make the database OUT from the images of SOURCE.

    SOURCE is a folder with one folder of images for each class, whose names go to labels.txt beside OUT; or Caffe's
    list file: a path, a space and a whole number (with --labels also a name) a line; or a .csv file with the header
    path,label. Images that cannot be read are left out and told in the end.

    \b
    cafpy convert imageset photos/ photos_lmdb --resize 256
    cafpy convert imageset photos/ photos --resize 256 --encoded --split 0.8/0.2
    cafpy convert imageset train.txt train_lmdb --root images/ --shuffle
    """
    convert_images(source, out, root, **options)
