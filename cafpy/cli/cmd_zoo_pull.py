"""`cafpy zoo pull`: a model's net, solver and weights into a folder."""

from __future__ import annotations

from pathlib import Path

import click

from cafpy.cli.zoo_weights import download_bar


@click.command(short_help="A model's net, solver and weights into a folder.")
@click.argument("name")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="The folder.  [default: models/NAME]")
@click.option("--mirror", multiple=True, metavar="URL", help="A folder or URL with NAME.caffemodel; may be repeated.")
@click.option("--force", is_flag=True, help="Replace files that differ.")
@click.option("--unchecked", is_flag=True, help="Fetch weights, too, that no checksum is published for.")
def command(name: str, out: Path | None, mirror: tuple[str, ...], force: bool, unchecked: bool) -> None:
    """Put the model NAME into a folder: train_val, deploy and solver prototxt, README.md, and its weights.
    The scripts that make its data go to where the net looks for them, data/….

    Weights are fetched once, checked, and stay in the cache. What a broken transfer left is gone on with. Mirrors are
    tried first, then those in $CAFPY_ZOO_MIRROR, then where the weights are published.

    \b
    cafpy zoo pull lenet_digits
    python data/digits/make_digits.py
    cafpy train --solver models/lenet_digits/solver.prototxt --weights zoo:lenet_digits
    """
    from cafpy.snapshot.zoo import find_model
    from cafpy.snapshot.zoo_pull import pull

    model = find_model(name)
    folder = out or Path("models") / model.name
    with download_bar(model.name) as progress:
        report = pull(model, folder, mirror, progress, force, unchecked)
    for paths, what in ((report.written, "written"), (report.same, "there already")):
        if paths:
            click.echo(f"{what}: {', '.join(map(str, paths))}")
    for path in report.kept:
        click.echo(f"{path}: kept, though it differs from the zoo's; --force replaces it")
    click.echo(f"licence: {model.facts['licence']}")
    if report.found:
        click.echo(f"{report.weights}: not checked, as no checksum is published; it has {report.found}")
    if report.weights is None:
        click.echo(f"weights: {model.facts['weights']}")
