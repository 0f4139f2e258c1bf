"""What kernels for the CPU are made of: threads, vectors of sixteen numbers, products, work space."""
