"""Runs recorded numbers against cafpy: ``python -m cafpy.testing.golden PATH… [--backend plain]``.

One module a format; each yields an :class:`~cafpy.testing.golden.outcome.Outcome` a case.
"""
