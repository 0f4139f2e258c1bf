"""Winograd's convolution: two plans that share its work among threads by tiles or by outputs, and when they pay."""
