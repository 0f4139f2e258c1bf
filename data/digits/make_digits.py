"""Make the digits database: scikit-learn's 1,797 real handwritten digits, 8×8 pixels, as two LMDBs beside this file.

    python data/digits/make_digits.py

Needs `pip install 'cafpy[examples]'` and no network: the images come inside scikit-learn (from the UCI repository,
Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, 1998; CC BY 4.0). Pixels are 0 to 16.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cafpy.feed.convert.arrays import convert_arrays

HERE = Path(__file__).resolve().parent
TEST_COUNT = 500
SEED = 0  # fixes which digits are the test set


def main() -> None:
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise SystemExit("this needs scikit-learn: pip install 'cafpy[examples]'") from None
    digits = load_digits()
    images = digits.images.astype(np.uint8)[:, None]
    order = np.random.default_rng(SEED).permutation(len(images))
    for name, part in (("test", order[:TEST_COUNT]), ("train", order[TEST_COUNT:])):
        path = HERE / f"digits_{name}_lmdb"
        convert_arrays(images[part], digits.target[part], path, force=True)
        print(f"{path}: {len(part)} digits of 8×8 pixels")


if __name__ == "__main__":
    main()
