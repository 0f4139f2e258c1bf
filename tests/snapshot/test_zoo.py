"""The zoo's catalogue: models by name, and the front matter that it is read from."""

import hashlib
from pathlib import Path

import pytest

from cafpy.errors import DataError, WeightsError
from cafpy.snapshot.zoo import UNKNOWN, data_scripts, find_model, front_matter, models, models_folder

DIGITS = {"sha1": 40, "sha256": 64, "sha384": 96}


def test_weights_are_shipped_or_urls_with_a_checksum_or_none() -> None:
    for model in models().values():
        algorithm, _, digest = (model.checksum or "").partition(":")
        if model.checksum is not None:
            assert len(digest) == DIGITS[algorithm], model.name
            assert set(digest) <= set("0123456789abcdef")
        if model.urls:
            assert model.facts["weights"] == " ".join(model.urls)
            assert model.checksum or model.facts["checksum"] == UNKNOWN
        elif model.shipped is None:
            assert model.checksum is None
            assert model.facts["weights"].startswith((UNKNOWN, "those of zoo:"))


def test_shipped_weights_are_what_their_readme_says() -> None:
    shipped = {name: model for name, model in models().items() if model.shipped}
    assert set(shipped) >= {"lenet_digits", "lenet_mnist"}
    for model in shipped.values():
        assert model.checksum == f"sha256:{hashlib.sha256(model.shipped.read_bytes()).hexdigest()}"
        assert model.facts["trained"] == f"cafpy train --solver models/{model.name}/solver.prototxt"
        assert model.size == model.shipped.stat().st_size


def test_every_weight_file_beside_a_readme_is_declared_or_ignored() -> None:
    ignored = (models_folder().parent / ".gitignore").read_text("utf-8").splitlines()
    excepted = {line.removeprefix("!") for line in ignored if line.startswith("!models/")}
    assert excepted == {f"models/{model.name}/{model.file_name}" for model in models().values() if model.shipped}


def test_sizes_are_about_four_bytes_a_parameter() -> None:
    assert find_model("caffenet").size == 4 * 60_965_224  # the published file has 243,862,418
    assert find_model("resnet18").size is None


def test_a_wrong_name_gets_the_nearest() -> None:
    assert find_model("zoo:resnet50").name == "resnet50"
    with pytest.raises(WeightsError, match=r"no model 'ResNet5' \(did you mean 'resnet50'\?\); `cafpy zoo list`"):
        find_model("zoo:ResNet5")


def test_data_scripts() -> None:
    assert [path.name for path in data_scripts("digits")] == ["README.md", "make_digits.py"]
    assert data_scripts("photos") == []


def test_front_matter_names_what_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_text("---\nname: A\ncolour: red\n---\n")
    with pytest.raises(DataError, match=r"README.md:3: wanted one line each of name, .*; found: colour: red"):
        front_matter(path)
    path.write_text("---\nname: A\n---\n")
    with pytest.raises(DataError, match="the front matter has no task, paper"):
        front_matter(path)
    path.write_text("# A\n")
    with pytest.raises(DataError, match="wanted front matter"):
        front_matter(path)
