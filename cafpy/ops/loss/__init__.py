"""Losses: each module has one, value and gradient."""
