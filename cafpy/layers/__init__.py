"""One file a layer type, found by `cafpy.registry`; `_name.py` holds what several of them share."""
