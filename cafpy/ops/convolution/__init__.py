"""Convolution: `plans` chooses the fastest way for a geometry, the other modules are the ways."""
