"""MixUp and CutMix: pixels and labels keep the same shares, and the batches do not depend on who makes them."""

import numpy as np
import pytest

from cafpy.errors import DataError
from cafpy.feed.augment.draw import generator
from cafpy.feed.augment.mix import Mix
from cafpy.feed.reader import BatchReader
from cafpy.feed.source import DatabaseSource
from cafpy.feed.transformer import Transformer
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.text import parse

N, CLASSES = 6, 6


def mixed(text, seed=0, shape=(8, 10)):
    """Images of a plane for each item that is 1 in its own plane, so that the planes' means are the shares."""
    mix = Mix(parse(f"classes: {CLASSES} {text}", pb.MixParameter()))
    data = np.zeros((N, N, *shape), np.float32)
    data[np.arange(N), np.arange(N)] = 1
    labels = np.empty((N, CLASSES), np.float32)
    mix.apply(data, np.arange(N, dtype=np.float32), labels, generator(seed, 0))
    return data, labels


@pytest.mark.parametrize("text", ["mixup_alpha: 1", "cutmix_alpha: 1", "mixup_alpha: 0.4 cutmix_alpha: 1"])
def test_labels_are_the_shares_of_the_pixels(text):
    for seed in range(20):
        data, labels = mixed(text, seed)
        np.testing.assert_allclose(data.mean(axis=(2, 3)), labels, atol=1e-6)
        np.testing.assert_allclose(labels.sum(axis=1), 1, atol=1e-6)
        own = labels[np.arange(N), np.arange(N)]
        np.testing.assert_allclose(own[own < 1], own.min(), atol=1e-6)  # one share for the batch


def test_mixup_blends_and_cutmix_pastes():
    blended = {float(v) for seed in range(20) for v in np.unique(mixed("mixup_alpha: 1", seed)[0])}
    assert len(blended) > 10
    pasted = np.concatenate([np.unique(mixed("cutmix_alpha: 1", seed)[0]) for seed in range(20)])
    assert set(pasted.tolist()) == {0.0, 1.0}


def test_shares_are_drawn_from_beta():
    """Beta(a, a) has the mean 1/2 and the variance 1 / (4 (2a + 1))."""
    for alpha in (0.2, 1.0, 4.0):
        shares = []
        for seed in range(3000):
            labels = mixed(f"mixup_alpha: {alpha}", seed, (1, 1))[1]
            alone = labels.max(axis=1) == 1  # its own partner
            shares += labels[np.arange(N), np.arange(N)][~alone][:1].tolist()
        assert abs(np.mean(shares) - 0.5) < 0.03
        assert abs(np.var(shares) - 1 / (4 * (2 * alpha + 1))) < 0.02


def test_prob_and_switch_prob():
    plain = [mixed("mixup_alpha: 1 prob: 0.3", seed)[1].max(axis=1).min() == 1 for seed in range(400)]
    assert 0.6 < np.mean(plain) < 0.8
    cut = [set(np.unique(mixed("mixup_alpha: 1 cutmix_alpha: 1 switch_prob: 0.25", seed)[0])) == {0.0, 1.0}
           for seed in range(400)]  # fmt: skip
    assert 0.17 < np.mean(cut) < 0.34


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("classes: 3", "wanted one of them above 0"),
        ("classes: 3 mixup_alpha: -1 cutmix_alpha: 1", "wanted one of them above 0"),
        ("mixup_alpha: 1", "classes is missing"),
        ("classes: 3 mixup_alpha: 1 prob: 2", "prob is 2; wanted 0 to 1"),
    ],
)
def test_mistakes(text, said):
    with pytest.raises(DataError, match=said):
        Mix(parse(text, pb.MixParameter()))


def test_a_label_that_is_no_class():
    mix = Mix(parse("classes: 3 mixup_alpha: 1", pb.MixParameter()))
    with pytest.raises(DataError, match="label 3 came, and classes is 3, so labels go from 0 to 2"):
        mix.apply(np.zeros((2, 1, 1, 1), np.float32), np.array([0, 3]), np.zeros((2, 3), np.float32), generator(0, 0))


def batches(name, count, phase=pb.TRAIN, start=0, **options):
    text = "mirror: true mean_value: 3 mix_param { classes: 7 mixup_alpha: 0.4 cutmix_alpha: 1 } erase_param {}"
    transformer = Transformer(parse(text, pb.TransformationParameter()), phase)
    reader = BatchReader(DatabaseSource(name), 4, transformer, **options)
    reader.position = start
    out = [tuple(array.copy() for array in reader.next()) for _ in range(count)]
    assert out[0][1].shape == reader.label_shape
    reader.close()
    return out


def test_through_the_reader(make_database, pixels):
    seven = make_database("seven", [pixels(3, 6, 7) for _ in range(7)])
    one = batches(seven, 8, seed=5, workers=1)
    assert any(labels.max() < 1 for _, labels in one)
    for other in (batches(seven, 8, seed=5, workers=4, prefetch=6), batches(seven, 8, seed=5, prefetch=1)):
        for ours, theirs in zip(one, other, strict=True):
            np.testing.assert_array_equal(ours[0], theirs[0])
            np.testing.assert_array_equal(ours[1], theirs[1])
    for ours, theirs in zip(one[5:], batches(seven, 3, seed=5, start=20), strict=True):  # resumed
        np.testing.assert_array_equal(ours[0], theirs[0])
        np.testing.assert_array_equal(ours[1], theirs[1])
    assert batches(seven, 1, pb.TEST)[0][1].shape == (4,)
