"""Write docs/models.md, the catalogue of models/, from the front matter of each model's README.md.

python tools/make_models_table.py
"""

from __future__ import annotations

from pathlib import Path

from cafpy.snapshot.zoo import Model, models

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "models.md"
HEAD = """# Models

Each folder of models/ holds a net as it is trained (`train_val.prototxt`) and as it is used (`deploy.prototxt`), a
recipe for its training (`solver.prototxt`) and a README.md with its paper, licence, preprocessing and published
weights. `cafpy zoo` knows them by their folders' names ([zoo.md](zoo.md)). This page is made from them by `python
tools/make_models_table.py`.

"""

TAIL = """
Parameters are those of `deploy.prototxt` but for BatchNorm's running statistics.

## Use one

`cafpy zoo pull googlenet` puts its net and its weights, checked, into models/googlenet. Where weights are read,
`zoo:googlenet` stands for them, and fetches them when it must:

```python
from cafpy.net import Net
from cafpy.proto.text import read_net
from cafpy.snapshot.load import load_weights

net = Net(read_net("models/googlenet/deploy.prototxt"))
print(load_weights(net, "zoo:googlenet"))
```

## Train one

From the repository's root, after making the data as the README.md in data/ tells:

    cafpy train --solver models/lenet_mnist/solver.prototxt

## Change one, or write one

The deep nets declare what comes again and again once, as a `block`, and `use` it: ResNet-152 takes 160 lines instead of
6,700. docs/blocks.md tells how. `cafpy expand --model models/resnet152/deploy.prototxt` prints the net written out, for
Caffe and other tools that read prototxt.
"""


def row(model: Model) -> str:
    """The table's line for one model."""
    fields = model.facts
    count = fields["parameters"]
    if model.shipped is not None:
        weights = "shipped with cafpy"
    else:
        weights = f"[yes]({model.urls[0]})" if model.urls else fields["weights"]
    cells = [
        f"[{fields['name']}](../models/{model.name}/README.md)",
        f"`{model.name}`",
        fields["task"],
        fields["input"],
        f"{int(count):,}" if count.isdecimal() else count,
        fields["accuracy"],
        weights,
    ]
    return "| " + " | ".join(cells) + " |"


def table() -> str:
    """All of docs/models.md."""
    rows = [row(model) for model in models().values()]
    titles = ["model", "in the zoo", "task", "input", "parameters", "reference accuracy", "weights"]
    return HEAD + "\n".join(["| " + " | ".join(titles) + " |", "|---" * len(titles) + "|", *rows]) + "\n" + TAIL


if __name__ == "__main__":
    TARGET.write_text(table(), "utf-8")
    print(TARGET)
