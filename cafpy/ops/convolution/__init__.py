"""Convolution: `plans` chooses the fastest way for a geometry, the others are the ways."""
