"""InfogainLoss."""

import numpy as np
import pytest

from cafpy.errors import DataError
from cafpy.proto.binary import array_to_blob
from cafpy.testing.case import Case, build

LABELS = np.array([0, 3, 2, 1, 2])
MAP = np.arange(24).reshape(2, 3, 4) % 4
H = np.random.default_rng(0).random((4, 4))


def loss(options=""):
    return f'type: "InfogainLoss" {options}'


def write_matrix(folder):
    (folder / "H.binaryproto").write_bytes(array_to_blob(H.astype(np.float32)[None, None]).SerializeToString())
    (folder / "small.binaryproto").write_bytes(array_to_blob(np.eye(3, dtype=np.float32)).SerializeToString())


FILE = 'infogain_loss_param { source: "H.binaryproto" }'

CASES = [
    Case("rows", loss(), [(5, 4), LABELS, H]),
    Case("from_file", loss(FILE), [(5, 4), LABELS], files=write_matrix),
    Case("places", loss("loss_param { ignore_label: 2 normalization: FULL }"), [(2, 4, 3, 4), MAP, H]),
    Case("axis", loss("infogain_loss_param { axis: 2 } loss_weight: 0.3"), [(2, 3, 4), MAP[:, :, 0], H]),
    Case("probabilities", loss(), [(5, 4), LABELS, H], tops=2, gradient=()),
]


def test_with_the_identity_it_is_softmax_with_loss():
    ours = build(Case("identity", loss(), [(5, 4), LABELS, np.eye(4)]))
    theirs = build(Case("softmax", 'type: "SoftmaxWithLoss"', [(5, 4), LABELS]))
    np.testing.assert_allclose(ours.forward()[0], theirs.forward()[0], rtol=1e-6)
    ours.backward([True, False, False])
    theirs.backward([True, False])
    np.testing.assert_allclose(ours.bottom[0].diff, theirs.bottom[0].diff, atol=1e-7)


def test_label_that_is_none():
    harness = build(Case("bad", loss(), [(5, 4), LABELS + 1, H]))
    with pytest.raises(DataError, match=r"label 4 of item 1 is out of range: .* \(do your labels start at 1\?\)"):
        harness.forward()


@pytest.mark.parametrize(
    ("options", "bottoms", "tops", "said"),
    [
        (
            "",
            [(5, 4), (5,)],
            1,
            "has no matrix H: name it as third bottom, or a file with "
            '`infogain_loss_param { source: "H.binaryproto" }`',
        ),
        (
            'infogain_loss_param { source: "nope.binaryproto" }',
            [(5, 4), (5,)],
            1,
            "source: the matrix (.binaryproto) 'nope.binaryproto' does not exist",
        ),
        (
            'infogain_loss_param { source: "small.binaryproto" }',
            [(5, 4), (5,)],
            1,
            "H has shape 3×3, but 'b0' has 4 classes along axis 1; it must be 4×4",
        ),
        ("", [(5, 4), (5,), (3, 4)], 1, "H has shape 3×4, but 'b0' has 4 classes along axis 1; it must be 4×4"),
        (
            "",
            [(5, 4), (6,), (4, 4)],
            1,
            "bottom 'b0' has 5 items (shape 5×4), but 'b1' has 6 (shape 6); both must come from one batch",
        ),
        (
            "loss_weight: 1 loss_weight: 1",
            [(5, 4), (5,), (4, 4)],
            2,
            "loss_weight: 1 for the second top, the probabilities; they are no loss, so write "
            "`loss_weight: 1 loss_weight: 0`",
        ),
    ],
)
def test_refuses(refusal, options, bottoms, tops, said):
    text = refusal(loss(options), bottoms, tops, files=write_matrix)
    assert text.partition(" (looked in ")[0] == said
