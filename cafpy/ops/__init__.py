"""Routines that numpy's API cannot say well: all bodies of one routine in one place.

See :class:`cafpy.ops.routine.Routine` for how a body is chosen, and `cafpy.ops.kernel` for what kernels are made of.
"""
