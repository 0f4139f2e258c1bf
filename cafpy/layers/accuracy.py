"""Accuracy: how often a net is right."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cafpy.blob import Blob
from cafpy.layer import Layer
from cafpy.layers._labels import Labels
from cafpy.layers._soft_labels import SoftLabels
from cafpy.ops.accuracy import count_hits


class Accuracy(Layer):
    """The part of predictions that are right: whose label is among the ``top_k`` classes of highest score. Among equal
    scores the label counts as the lowest, so a net that says the same of all classes is never right.

    Shapes: scores N × C × …, labels N × … (one for each prediction) → a single number, and, if a second top is named,
    C numbers: the same for each class alone, 0 for a class that is not among the labels. It has no gradient. Labels of
    the scores' shape are shares of the classes, as mix_param makes them; the class of the largest share counts.

    Options (accuracy_param):
        top_k: how many of the best classes may hold the label (default 1).
        axis: the axis of the classes; negative ones count from the end (default 1).
        ignore_label: positions with this label do not count.

    ```
    layer {
      name: "top5" type: "Accuracy" bottom: "fc8" bottom: "label" top: "top5"
      accuracy_param { top_k: 5 } include { phase: TEST }
    }
    ```
    """

    bottoms = 2
    tops = (1, 2)
    options_field = "accuracy_param"

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        axis = self.axis(self.options.axis, bottom[0])
        ignore = self.options.ignore_label if self.options.HasField("ignore_label") else None
        self.labels: Labels | SoftLabels
        if SoftLabels.fit(bottom[1], bottom[0].shape, axis):
            self.labels = SoftLabels(self, bottom[0].shape, axis)
        else:
            self.labels = Labels(self, bottom[0].shape, bottom[1], axis, ignore, "accuracy_param")
        classes = self.labels.classes
        if not 1 <= self.options.top_k <= classes:
            raise self.error(
                f"top_k: {self.options.top_k} must be from 1 to {classes}, the number of classes "
                f"(axis {axis} of '{self.bottom_names[0]}')"
            )
        self.hits, self.counts = self.work_array(classes, np.float64), self.work_array(classes, np.float64)
        top[0].reshape(())
        if len(top) > 1:
            top[1].reshape((classes,))

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        scores = bottom[0].data.reshape(self.labels.view)
        labels = self.labels
        index = labels.largest(bottom[1]) if isinstance(labels, SoftLabels) else labels.read(bottom[1])
        count_hits(self.backend, scores, index, self.options.top_k, self.hits, self.counts)
        top[0].data[...] = self.hits.sum() / self.xp.maximum(self.counts.sum(), 1)
        if len(top) > 1:
            top[1].data[...] = self.hits / self.xp.maximum(self.counts, 1)
