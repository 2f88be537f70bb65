"""Generate: synthetic images, from the generator or from the simpler baselines."""
