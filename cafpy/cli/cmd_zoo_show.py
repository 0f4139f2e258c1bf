"""`cafpy zoo show`: what is known about one model."""

from __future__ import annotations

import sys

import click

from cafpy.cli.cmd_zoo_list import megabytes


@click.command(short_help="One model: facts, licence, where its weights are.")
@click.argument("name")
def command(name: str) -> None:
    """Show what is known about the model NAME, its licence, where its weights come from, and its README."""
    from cafpy.snapshot.zoo import find_model
    from cafpy.snapshot.zoo_cache import cached_file

    model = find_model(name)
    count = model.facts["parameters"]
    facts = dict(model.facts, parameters=f"{int(count):,}" if count.isdecimal() else count)
    if model.shipped is not None:
        facts["weights"] = f"shipped with cafpy, {megabytes(model.size)}: {model.shipped}"
    elif model.urls:
        facts["weights"] = f"public, about {megabytes(model.size)}" if model.size else "public"
        facts["from"] = "\n".join(model.urls)
        path = cached_file(model)
        facts["here"] = str(path) if path.is_file() else f"no; `cafpy zoo pull {model.name}` puts them into {path}"
    elif facts["weights"].startswith("none"):
        facts["weights"] = "none are public; the solver trains them"
    facts["net"] = str(model.folder)
    width = max(map(len, facts))
    for field, value in facts.items():
        first, *rest = value.splitlines()
        click.echo(f"{field:<{width}}  {first}")
        for line in rest:
            click.echo(f"{'':<{width}}  {line}")
    click.echo()
    if not sys.stdout.isatty():
        click.echo(model.text)
        return
    from rich.console import Console
    from rich.markdown import Markdown

    Console().print(Markdown(model.text))
