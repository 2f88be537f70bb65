"""What `benchmarks.gan_training` lets run side by side, a process each, by one protocol."""
