"""`cafpy convert hdf5`: arrays, or images with any labels, become an HDF5 file that HDF5Data layers read."""

from __future__ import annotations

from pathlib import Path

import click

from cafpy.cli.conversion import print_report, progress_bar
from cafpy.cli.image_options import image_options, root_option


@click.command(short_help="Arrays (.npy, .npz), or a list of images with any labels, to HDF5.")
@click.argument("sources", nargs=-1, required=True)
@click.argument("out")
@image_options
@root_option
@click.option("--shuffle", is_flag=True, help="Write listed images in random order.")
@click.option("--mean", multiple=True, type=float, help="Subtract from images: once for all channels, or one for each.")
@click.option("--scale", default=1.0, show_default=True, help="Multiply images by, after the mean is subtracted.")
@click.option("--force", is_flag=True, help="Replace files that exist.")
def command(
    sources: tuple[str, ...],
    out: str,
    resize: tuple[int, int] | None,
    gray: bool,
    root: str | None,
    labels: str | None,
    seed: int,
    jobs: int | None,
    max_pixels: int,
    shuffle: bool,
    mean: tuple[float, ...],
    scale: float,
    force: bool,
) -> None:
    """Make OUT.h5 and OUT.txt, the list that `source` in hdf5_data_param names, from SOURCES.

    SOURCES are .npy files (each becomes the dataset of its name; NAME=FILE gives another) and .npz files; or one list
    of images: a .csv with the header path,x,y,… (labels of any number and kind) or lines "path label".

    \b
    cafpy convert hdf5 data.npy label.npy train
    cafpy convert hdf5 data=x_train.npy label=y_train.npy train
    cafpy convert hdf5 points.csv train --root images/ --resize 96 --scale 0.00390625
    """
    from cafpy.feed.convert.array_files import read_arrays
    from cafpy.feed.convert.class_folders import read_labels
    from cafpy.feed.convert.hdf5 import convert_arrays_to_hdf5, convert_images_to_hdf5
    from cafpy.feed.convert.image_record import ImageOptions

    if len(sources) > 1 or Path(sources[0]).suffix in (".npy", ".npz"):
        print_report(convert_arrays_to_hdf5(read_arrays(sources), out, force))
        return
    with progress_bar(out) as progress:
        report = convert_images_to_hdf5(
            sources[0],
            out,
            ImageOptions(resize, gray, max_pixels=max_pixels),
            root=root,
            labels=read_labels(labels) if labels else None,
            mean=mean,
            scale=scale,
            shuffle=shuffle,
            seed=seed,
            force=force,
            jobs=jobs,
            progress=progress,
        )
    print_report(report)
