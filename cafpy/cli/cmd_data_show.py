"""`cafpy data show`: records of a database, or a batch of a data layer, as one picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from cafpy.cli.cmd_data_check import class_names
from cafpy.cli.net_options import layers_option, read_model, state_options
from cafpy.errors import DataError

Tiles = tuple[list[Any], list[str]]  # images of C×H×W; texts


@click.command(short_help="A picture of records, or of a batch as the net sees it.")
@click.argument("database", required=False)
@click.option("--model", metavar="FILE", help="Show a batch of this net's data layer, augmented, instead.")
@click.option("--layer", metavar="NAME", help="The data layer.  [default: the first]")
@click.option("--out", default="sheet.png", show_default=True, metavar="FILE", help="The picture, .png or .jpg.")
@click.option("--count", default=64, show_default=True, type=click.IntRange(1), help="Images to show.")
@click.option("--start", default=0, show_default=True, type=click.IntRange(0), help="The first record (or batch).")
@click.option("--random", "shuffle", is_flag=True, help="Records drawn at random.")
@click.option("--seed", default=0, show_default=True, help="Fixes what is random.")
@click.option("--size", default=112, show_default=True, type=click.IntRange(8, 2048), help="Pixels a side of a tile.")
@click.option("--labels", metavar="FILE", help="Names of the classes.  [default: labels.txt beside the database]")
@click.option("--rgb", is_flag=True, help="Channels are red, green, blue (as in CIFAR databases).")
@state_options(default_phase="TRAIN")
@layers_option
def command(
    database: str | None,
    model: str | None,
    layer: str | None,
    out: str,
    count: int,
    start: int,
    shuffle: bool,
    seed: int,
    size: int,
    labels: str | None,
    rgb: bool,
    phase: str,
    level: int,
    stage: tuple[str, ...],
) -> None:
    """Draw records of DATABASE with their labels, or, with --model, batches as the data layer makes them.

    Batches are shown with scale and mean (of each channel) taken back.

    \b
    cafpy data show train_lmdb --random
    cafpy data show --model train_val.prototxt --out batch.png
    """
    from pathlib import Path

    from cafpy.feed.contact_sheet import contact_sheet
    from cafpy.feed.convert.class_folders import read_labels
    from cafpy.feed.image import encode_image
    from cafpy.files import atomic_write

    if (database is None) == (model is None):
        raise click.UsageError("give a DATABASE, or a net with --model")
    if database is not None:
        images, texts = _records(database, count, start, seed if shuffle else None, class_names(database, labels))
    else:
        names = read_labels(labels) if labels else ()
        images, texts = _batch(read_model(str(model)), layer, (phase, level, stage), count, start, seed, names)
    sheet = contact_sheet([image[::-1] if rgb and len(image) == 3 else image for image in images], texts, size)
    kind = Path(out).suffix.lstrip(".").lower()
    content = encode_image(sheet, kind or "png")
    with atomic_write(out) as path:
        path.write_bytes(content)
    click.echo(f"{out}: {len(images)} images")


def _records(path: str, count: int, start: int, seed: int | None, names: Sequence[str]) -> Tiles:
    import numpy as np

    from cafpy.feed.source import DatabaseSource

    source = DatabaseSource(path)
    try:
        if start >= len(source):
            raise DataError(f"the database '{path}' has {len(source):,} records; there is none at {start:,}")
        numbers = np.arange(start, min(start + count, len(source)))
        if seed is not None:
            drawn = np.random.default_rng(seed).permutation(len(source) - start)[:count]
            numbers = np.sort(start + drawn)
        images, texts = [], []
        for number in numbers.tolist():
            image, label = source.decode(source.fetch(number), None)
            images.append(image)
            texts.append(_text(label, names))
        return images, texts
    finally:
        source.close()


def _batch(
    param: Any,
    name: str | None,
    state: tuple[str, int, Sequence[str]],
    count: int,
    start: int,
    seed: int,
    names: Sequence[str],
) -> Tiles:
    from contextlib import closing

    import numpy as np

    from cafpy.net import Net
    from cafpy.proto import cafpy_pb2 as pb

    phase, level, stages = pb.Phase.Value(state[0]), state[1], state[2]
    alone = _data_layer(param, name, phase, level, stages)
    images: list[Any] = []
    texts: list[str] = []
    with closing(Net(alone, phase, level, stages, seed=seed)) as net:
        tops = list(alone.layer[0].top)
        for _ in range(start):
            net.forward()
        while len(images) < count:
            net.forward()
            data = net.blobs[tops[0]].data
            if data.ndim != 4:
                raise DataError(f"top '{tops[0]}' has shape {data.shape}; only N×C×H×W can be shown")
            labels = net.blobs[tops[1]].data if len(tops) > 1 else [None] * len(data)
            images += list(_taken_back(np.array(data), alone.layer[0].transform_param))
            texts += ["" if label is None else _text(label, names) for label in labels]
    return images[:count], texts[:count]


def _data_layer(param: Any, name: str | None, phase: int, level: int, stages: Sequence[str]) -> Any:
    """A net of the data layer alone."""
    from cafpy.errors import did_you_mean
    from cafpy.passes import prepare
    from cafpy.proto import cafpy_pb2 as pb

    whole = prepare(param, phase, level, stages)
    layers = {layer.name: layer for layer in whole.layer if not layer.bottom and layer.type not in ("Input", "Silence")}
    if name is None and layers:
        name = next(iter(layers))
    if name not in layers:
        wanted = f"no data layer '{name}'{did_you_mean(name, layers)}" if name else "no data layer"
        raise DataError(
            f"the net has {wanted} in phase {pb.Phase.Name(phase)}; there are {', '.join(layers) or 'none'}"
        )
    return pb.NetParameter(name=whole.name, layer=[layers[name]])


def _taken_back(data: Any, transform: Any) -> Any:
    """Images before scale and mean; a mean image counts with the mean of each of its channels."""
    import numpy as np

    from cafpy.proto.binary import read_mean

    mean = np.array(transform.mean_value or [0], np.float32)
    if transform.mean_file:
        mean = read_mean(transform.mean_file).mean(axis=(1, 2))
    return data / (transform.scale or 1) + mean.reshape(1, -1, 1, 1)


def _text(label: Any, names: Sequence[str]) -> str:
    import numpy as np

    values = np.ravel(label).tolist()
    if len(values) == 1 and float(values[0]).is_integer() and 0 <= values[0] < len(names):
        return f"{values[0]:g} {names[int(values[0])]}"
    return " ".join(f"{value:g}" for value in values)
