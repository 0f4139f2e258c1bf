"""data/mnist/make_pairs.py, which makes the data of models/siamese_mnist."""

import importlib.util
from pathlib import Path

import numpy as np


def test_pairs_and_their_labels() -> None:
    path = Path(__file__).resolve().parents[2] / "data" / "mnist" / "make_pairs.py"
    spec = importlib.util.spec_from_file_location("make_pairs", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    labels = np.random.default_rng(1).integers(0, 10, 500)
    digits = np.broadcast_to(labels[:, None, None], (500, 4, 3)).astype(np.uint8)  # an image is its label
    pairs, similar = module.make_pairs(digits, labels, np.random.default_rng(2))
    assert pairs.shape == (500, 2, 4, 3)
    assert pairs.dtype == np.uint8
    np.testing.assert_array_equal(similar, pairs[:, 0, 0, 0] == pairs[:, 1, 0, 0])
    assert 20 < similar.sum() < 100
    again, _ = module.make_pairs(digits, labels, np.random.default_rng(2))
    np.testing.assert_array_equal(again, pairs)
