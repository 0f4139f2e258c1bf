"""One file a layer type, found by `cafpy.registry`; `_name.py` holds what several of them share.

For layers of your own: ``from cafpy.layers import ElementwiseLayer`` (see docs/new-layer.md).
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cafpy.layers._elementwise import ElementwiseLayer

__all__ = ["ElementwiseLayer"]


def __getattr__(name: str) -> Any:
    # not at import: a net without element-wise layers need not load them
    if name == "ElementwiseLayer":
        from cafpy.layers._elementwise import ElementwiseLayer

        return ElementwiseLayer
    raise AttributeError(f"module 'cafpy.layers' has no attribute '{name}'")
