"""The step of the build that copies models/ and data/ into the package; pyproject.toml names it.

An installed cafpy so has the same nets, shipped weights and scripts that make data as a checkout, in cafpy/models and
cafpy/data. Installed with `pip install -e`, it reads the checkout's own, and nothing is copied.
"""

from __future__ import annotations

from pathlib import Path

from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent.parent


class BuildWithModels(build_py):
    """`build_py`, and then the models."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            for target, source in self._model_files().items():
                self.mkpath(str(Path(target).parent))
                self.copy_file(source, target)

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        return super().get_outputs(include_bytecode) + list(self._model_files())

    def get_output_mapping(self) -> dict[str, str]:
        """Where each file of the package comes from, by where it goes."""
        return super().get_output_mapping() | self._model_files()

    def get_source_files(self) -> list[str]:
        """What a source distribution needs besides the package's own files."""
        return [*super().get_source_files(), "tools/build_with_models.py", *self._model_files().values()]

    def _model_files(self) -> dict[str, str]:
        """README.md, prototxt files, shipped weights and data scripts; not what was trained or fetched beside them."""
        if self.editable_mode:
            return {}
        models, data = ROOT / "models", ROOT / "data"
        wanted = [*models.glob("*/README.md"), *models.rglob("*.prototxt")]
        wanted += [*data.glob("*/README.md"), *data.glob("*/*.py")]
        wanted += [path for path in models.glob("*/*.caffemodel") if _is_shipped(path)]
        return {
            str(Path(self.build_lib, "cafpy", path.relative_to(ROOT))): str(path.relative_to(ROOT))
            for path in sorted(wanted)
        }


def _is_shipped(path: Path) -> bool:
    readme = path.parent / "README.md"
    return readme.is_file() and f"\nweights: {path.name}\n" in readme.read_text("utf-8")
