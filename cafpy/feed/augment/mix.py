"""mix_param: images of a batch mixed two by two, and their labels with them, which become shares of the classes.

MixUp is of Zhang et al., "mixup: Beyond Empirical Risk Minimization" (2017); CutMix of Yun et al., "CutMix:
Regularization Strategy to Train Strong Classifiers with Localizable Features" (2019).
"""

from __future__ import annotations

from math import sqrt
from typing import Any

import cv2
import numpy as np

from cafpy.errors import DataError
from cafpy.feed.augment.draw import chance


class Mix:
    """What a MixParameter asks for.

    Attributes:
        classes: number of classes; the length of a label.

    Raises DataError when nothing is switched on, or a number is out of its range.
    """

    def __init__(self, param: Any):
        self.param = param
        self.classes: int = param.classes
        if min(param.mixup_alpha, param.cutmix_alpha) < 0 or not (param.mixup_alpha or param.cutmix_alpha):
            raise DataError(
                f"mix_param: mixup_alpha is {param.mixup_alpha:g} and cutmix_alpha {param.cutmix_alpha:g}; wanted one "
                "of them above 0, as `mixup_alpha: 0.2` or `cutmix_alpha: 1`"
            )
        for name in ("prob", "switch_prob"):
            if not 0 <= getattr(param, name) <= 1:
                raise DataError(f"mix_param: {name} is {getattr(param, name):g}; wanted 0 to 1")
        if not self.classes:
            raise DataError(
                "mix_param: classes is missing; labels become shares of the classes, so their number must be known, "
                "as `classes: 10`"
            )

    def apply(self, data: np.ndarray, labels: np.ndarray, out: np.ndarray, rng: np.random.Generator) -> None:
        """Mix the finished images ``data``, float32 of N×C×H×W, in place, and write N×classes shares to ``out``.

        ``labels`` are N whole numbers. Raises DataError when one is none of the classes.
        """
        self._one_hot(labels, out)
        param = self.param
        mixed, cut = chance(rng, param.prob), chance(rng, param.switch_prob)
        cut = bool(param.cutmix_alpha) and (cut or not param.mixup_alpha)
        alpha = param.cutmix_alpha if cut else param.mixup_alpha
        partner = rng.permutation(len(data))
        share = float(rng.beta(alpha, alpha))  # of the image itself
        down, across = rng.random(2).tolist()
        if not mixed:
            return
        if cut:
            share = _paste(data, partner, share, down, across)
        else:
            # in one pass, and without Python's lock
            flat = data.reshape(len(data), -1)
            cv2.addWeighted(flat, share, flat[partner], 1 - share, 0, dst=flat)
        out[...] = share * out + (1 - share) * out[partner]

    def _one_hot(self, labels: np.ndarray, out: np.ndarray) -> None:
        wrong = ~((labels >= 0) & (labels < self.classes) & (labels == np.floor(labels)))
        if wrong.any():
            raise DataError(
                f"mix_param: label {labels[wrong][0]:g} came, and classes is {self.classes}, so labels go from 0 to "
                f"{self.classes - 1}"
            )
        out[...] = 0
        out[np.arange(len(labels)), labels.astype(np.int64)] = 1


def _paste(data: np.ndarray, partner: np.ndarray, share: float, down: float, across: float) -> float:
    """Put the partners' pixels into a rectangle of 1 − share of the area; the share that is left, as what lies outside
    of the image does not count."""
    height, width = data.shape[2:]
    side = sqrt(1 - share)
    middle_row, middle_column = down * height, across * width
    top, bottom = (max(0, min(height, round(middle_row + sign * side * height / 2))) for sign in (-1, 1))
    left, right = (max(0, min(width, round(middle_column + sign * side * width / 2))) for sign in (-1, 1))
    inside = np.s_[:, :, top:bottom, left:right]
    data[inside] = data[inside][partner]
    return 1 - (bottom - top) * (right - left) / (height * width)
