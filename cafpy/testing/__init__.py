"""Tests that every layer can be put to, cafpy's own and those of plug-in modules.

    from cafpy.testing.case import Case
    from cafpy.testing.contract import check_layer

    def test_my_layer():
        check_layer(Case("plain", 'type: "Cube"', [(2, 3)]))

``contract`` checks what every layer must keep, ``gradient`` compares backward with differences of forward,
``fake_device`` is a backend without a device on which host arrays are as foreign as on a GPU, ``golden`` runs recorded
numbers (``python -m cafpy.testing.golden FOLDER``).
"""
