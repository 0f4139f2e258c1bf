from collections import Counter

from cafpy.feed.convert.stratify import stratify


def test_every_label_keeps_its_share():
    labels = [0] * 100 + [1] * 10 + [2] * 2 + [3]
    first, rest = stratify(labels, 0.8, seed=1)
    assert sorted(first + rest) == list(range(113)) and first == sorted(first) and rest == sorted(rest)
    assert Counter(labels[i] for i in first) == {0: 80, 1: 8, 2: 1, 3: 1}
    assert Counter(labels[i] for i in rest) == {0: 20, 1: 2, 2: 1}


def test_the_seed_fixes_it():
    labels = [0] * 50
    assert stratify(labels, 0.5, 3) == stratify(labels, 0.5, 3) != stratify(labels, 0.5, 4)
