"""Write docs/models.md, the catalogue of models/, from the front matter of each model's README.md.

python tools/make_models_table.py
"""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "models.md"
FIELDS = (
    "name",
    "task",
    "paper",
    "licence",
    "accuracy",
    "parameters",
    "input",
    "preprocessing",
    "weights",
    "checksum",
)
UNKNOWN = "none known"

HEAD = """# Models

Each folder of models/ holds a net as it is trained (`train_val.prototxt`) and as it is used (`deploy.prototxt`), a
recipe for its training (`solver.prototxt`) and a README.md with its paper, licence, preprocessing and published
weights. This page is made from them by `python tools/make_models_table.py`.

"""

TAIL = """
Parameters are those of `deploy.prototxt` but for BatchNorm's running statistics.

## Use one

Fetch the weights that the model's README.md names; its checksum tells whether all came:

```python
from cafpy.download import download
from cafpy.net import Net
from cafpy.proto.text import read_net
from cafpy.snapshot.load import load_weights

url = "http://dl.caffe.berkeleyvision.org/bvlc_googlenet.caffemodel"
checksum = "sha256:6f7101e3a2183738a7125a0c5021ba82a1feb4228c5ca0924d991b6daf6f6fad"
path = download([url], "bvlc_googlenet.caffemodel", checksum)
net = Net(read_net("models/googlenet/deploy.prototxt"))
print(load_weights(net, path))
```

## Train one

From the repository's root, after making the data as the README.md in data/ tells:

    cafpy train --solver models/lenet_mnist/solver.prototxt

## Change one, or write one

The deep nets declare what comes again and again once, as a `block`, and `use` it: ResNet-152 takes 160 lines instead of
6,700. docs/blocks.md tells how. `cafpy expand --model models/resnet152/deploy.prototxt` prints the net written out, for
Caffe and other tools that read prototxt.
"""


def front_matter(path: Path) -> dict[str, str]:
    """The `field: value` lines between the two `---` at the head of a README.md.

    Raises ValueError naming what is wrong.
    """
    lines = path.read_text("utf-8").splitlines()
    if not lines or lines[0] != "---" or "---" not in lines[1:]:
        raise ValueError(f"{path}: wanted front matter between two lines of ---")
    fields: dict[str, str] = {}
    for number, line in enumerate(lines[1 : lines.index("---", 1)], 2):
        key, colon, value = line.partition(": ")
        if not colon or key in fields or key not in FIELDS:
            raise ValueError(f"{path}:{number}: wanted one line each of {', '.join(FIELDS)}; found: {line}")
        fields[key] = value
    missing = [field for field in FIELDS if field not in fields]
    if missing:
        raise ValueError(f"{path}: the front matter has no {', '.join(missing)}")
    return fields


def row(folder: Path) -> str:
    """The table's line for one model."""
    fields = front_matter(folder / "README.md")
    count = fields["parameters"]
    weights = fields["weights"]
    cells = [
        f"[{fields['name']}](../models/{folder.name}/README.md)",
        fields["task"],
        fields["input"],
        f"{int(count):,}" if count.isdecimal() else count,
        fields["accuracy"],
        f"[yes]({weights})" if "://" in weights else weights,
    ]
    return "| " + " | ".join(cells) + " |"


def table() -> str:
    """All of docs/models.md."""
    rows = [row(path.parent) for path in sorted((ROOT / "models").glob("*/README.md"))]
    titles = ["model", "task", "input", "parameters", "reference accuracy", "public weights"]
    return HEAD + "\n".join(["| " + " | ".join(titles) + " |", "|---" * len(titles) + "|", *rows]) + "\n" + TAIL


if __name__ == "__main__":
    TARGET.write_text(table(), "utf-8")
    print(TARGET)
