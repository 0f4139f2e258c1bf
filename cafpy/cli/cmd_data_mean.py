"""`cafpy data mean`: the mean image of a database, and the mean of each channel."""

from __future__ import annotations

import click

from cafpy.cli.conversion import progress_bar


@click.command(short_help="The mean image for mean_file, and the channel means for mean_value.")
@click.argument("database")
@click.argument("out", required=False)
def command(database: str, out: str | None) -> None:
    """Print the mean of each channel of DATABASE; with OUT (a .binaryproto), write the mean image there.

    \b
    cafpy data mean train_lmdb mean.binaryproto
    """
    from cafpy.feed.convert.mean import compute_mean, write_mean

    with progress_bar(database) as progress:
        mean = compute_mean(database, progress=progress)
    if out is not None:
        write_mean(out, mean)
        click.echo(f'{out}: {"×".join(map(str, mean.shape))}; transform_param {{ mean_file: "{out}" }}')
    values = " ".join(f"mean_value: {value:.4f}" for value in mean.mean(axis=(1, 2), dtype=float))
    click.echo(f"mean of each channel: transform_param {{ {values} }}")
