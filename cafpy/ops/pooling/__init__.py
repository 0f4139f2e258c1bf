"""Pooling: `windows` has the routines, the other modules are fast bodies for the CPU."""
