"""cafpy: train, fine-tune and run neural networks declared in Caffe's prototxt files."""

from cafpy.openblas import choose_kernels
from cafpy.version import __version__

__all__ = ["__version__"]

choose_kernels()  # before anything of cafpy's loads NumPy
