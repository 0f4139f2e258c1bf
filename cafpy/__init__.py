"""cafpy: train, fine-tune and run neural networks declared in Caffe's prototxt files."""

from cafpy.version import __version__

__all__ = ["__version__"]
