"""From disk to a batch on the host: databases, images, transforms, prefetching. Knows no blobs, layers or devices."""
