"""Tile: its cases and what it refuses."""

import pytest

from cafpy.testing.case import Case

CASES = [
    Case("channels", 'type: "Tile" tile_param { tiles: 2 }', [(2, 3, 4, 5)]),
    Case("items", 'type: "Tile" tile_param { axis: 0 tiles: 3 }', [(2, 3)]),
    Case("from the end", 'type: "Tile" tile_param { axis: -1 tiles: 3 }', [(2, 3, 4)]),
    Case("one", 'type: "Tile" tile_param { tiles: 1 }', [(2, 3)]),
]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ("", "tiles is missing; write `tile_param { tiles: 2 }` with the number of copies"),
        ("tiles: 0", "tiles: 0 is not a number of copies; it must be at least 1"),
        ("tiles: 2 axis: 2", "axis: 2 is out of range for a bottom with 2 axes (shape 2×3); use -2 to 1"),
    ],
)
def test_refuses(refusal, options, text):
    assert refusal(f'type: "Tile" tile_param {{ {options} }}', [(2, 3)]) == text
