"""Training: the loop, the learning rate, what happens to a gradient, and one update rule a file."""
