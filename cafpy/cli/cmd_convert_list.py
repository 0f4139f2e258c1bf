"""`cafpy convert list`: a root folder and Caffe's list of images become a database, as with Caffe's own tool."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cafpy.cli.conversion import conversion_options, convert_images
from cafpy.cli.image_options import image_options, imageset_options


@click.command(short_help="Caffe's list file, in the order of Caffe's convert_imageset: ROOT LIST OUT.")
@click.argument("root")
@click.argument("listed", metavar="LIST")
@click.argument("out")
@image_options
@imageset_options
@conversion_options
def command(root: str, listed: str, out: str, **options: Any) -> None:
    """Make the database OUT from the images that LIST names, with ROOT before each path.

    LIST holds a path (it may have spaces), a space and a whole number a line; with --labels also the name of a class.
    It may be a .csv with the header path,label, too. The order of the arguments is that of Caffe's convert_imageset.

    \b
    cafpy convert list images/ train.txt train_lmdb --resize 256x256 --shuffle
    """
    for path, wanted, there in ((root, "folder", Path(root).is_dir()), (listed, "list", not Path(listed).is_dir())):
        if not there:
            raise click.UsageError(f"'{path}' is no {wanted}; the order is ROOT LIST OUT")
    convert_images(listed, out, root, **options)
