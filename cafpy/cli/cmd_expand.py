"""`cafpy expand`: a net written out, its blocks expanded, or as it is built in a phase."""

from __future__ import annotations

import click

from cafpy.cli.net_options import net_options, read_model


@click.command(short_help="Print a net with its blocks written out, for other tools.")
@net_options
@click.option(
    "--phase",
    type=click.Choice(["TRAIN", "TEST"], case_sensitive=False),
    help="Print what is built in this phase: upgraded, filtered by state, splits inserted.",
)
@click.option("--level", default=0, show_default=True, help="The level of the net state; with --phase.")
@click.option("--stage", multiple=True, metavar="NAME", help="A stage of the net state; with --phase, may be repeated.")
def command(model: str, phase: str | None, level: int, stage: tuple[str, ...]) -> None:
    """Print a net as plain prototxt, with every `use` of a block replaced by the block's layers.

    \b
    cafpy expand --model models/resnet152/deploy.prototxt > resnet152.prototxt
    """
    from cafpy.proto import cafpy_pb2 as pb
    from cafpy.proto.writer import to_text

    net = read_model(model)
    if phase is None and (level or stage):
        raise click.UsageError("--level and --stage choose layers of a built net; give --phase too")
    if phase is not None:
        from cafpy.passes import prepare

        net = prepare(net, pb.Phase.Value(phase), level, stage)
    click.echo(to_text(net), nl=False)
