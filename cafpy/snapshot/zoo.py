"""The model zoo: what models/ declares, by name, from the front matter of each model's README.md.

In a checkout that is the folder models/ beside cafpy/; the build copies it into the package, as cafpy/models. The
scripts that make the models' data are beside it, in data/.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cafpy.errors import DataError, WeightsError, did_you_mean

PREFIX = "zoo:"  # `--weights zoo:NAME`
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
OPTIONAL = ("trained",)  # the command that made weights which cafpy ships
UNKNOWN = "none known"

_PACKAGE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Model:
    """A model of the zoo.

    Attributes:
        name: its folder's name, which is what `zoo:NAME` says.
        folder: where its README.md and prototxt files are.
        facts: README.md's front matter, by field.
    """

    name: str
    folder: Path
    facts: dict[str, str]

    @property
    def urls(self) -> list[str]:
        """Where its weights are published, the best place first; empty when nowhere."""
        return [word for word in self.facts["weights"].split() if "://" in word]

    @property
    def checksum(self) -> str | None:
        """The weights' published checksum, "sha256:…"; None when there is none."""
        return self.facts["checksum"] if ":" in self.facts["checksum"] else None

    @property
    def shipped(self) -> Path | None:
        """The weights that come with cafpy, if they do."""
        return self.folder / self.facts["weights"] if self.facts["weights"] == self.file_name else None

    @property
    def file_name(self) -> str:
        """What its weight file is called in the cache and in what is pulled, wherever it came from."""
        return f"{self.name}.caffemodel"

    @property
    def size(self) -> int | None:
        """Bytes of the weight file; where it is not here, about as many, from its parameters of 4 bytes each."""
        if self.shipped is not None:
            return self.shipped.stat().st_size
        count = self.facts["parameters"]
        return 4 * int(count) if count.isdecimal() and self.urls else None

    @property
    def text(self) -> str:
        """What README.md says below its front matter."""
        return (self.folder / "README.md").read_text("utf-8").split("\n---\n", 1)[1].strip()


def data_scripts(name: str) -> list[Path]:
    """README.md and the scripts that make the data in data/``name``; empty where there are none."""
    folder = models_folder().parent / "data" / name
    return sorted([*folder.glob("README.md"), *folder.glob("*.py")])


def models_folder() -> Path:
    """The folder of models: the installed package's, or the checkout's. Raises DataError when there is neither."""
    for folder in (_PACKAGE / "models", _PACKAGE.parent / "models"):
        if next(folder.glob("*/README.md"), None):
            return folder
    raise DataError(f"this installation of cafpy has no models: there is no {_PACKAGE / 'models'}; install it anew")


def models() -> dict[str, Model]:
    """All models of the zoo, by name, sorted."""
    readmes = sorted(models_folder().glob("*/README.md"))
    return {path.parent.name: Model(path.parent.name, path.parent, front_matter(path)) for path in readmes}


def find_model(name: str) -> Model:
    """The model that is called ``name``, with or without "zoo:" before it. Raises WeightsError naming the nearest."""
    name = name.removeprefix(PREFIX)
    known = models()
    if name not in known:
        raise WeightsError(
            f"the zoo has no model '{name}'{did_you_mean(name, known)}; `cafpy zoo list` shows what it has"
        )
    return known[name]


def front_matter(path: Path) -> dict[str, str]:
    """The `field: value` lines between the two `---` at the head of a README.md.

    Raises DataError naming what is wrong.
    """
    lines = path.read_text("utf-8").splitlines()
    if not lines or lines[0] != "---" or "---" not in lines[1:]:
        raise DataError(f"{path}: wanted front matter between two lines of ---")
    fields: dict[str, str] = {}
    for number, line in enumerate(lines[1 : lines.index("---", 1)], 2):
        key, colon, value = line.partition(": ")
        if not colon or key in fields or key not in FIELDS + OPTIONAL:
            raise DataError(f"{path}:{number}: wanted one line each of {', '.join(FIELDS)}; found: {line}")
        fields[key] = value
    missing = [field for field in FIELDS if field not in fields]
    if missing:
        raise DataError(f"{path}: the front matter has no {', '.join(missing)}")
    return fields
