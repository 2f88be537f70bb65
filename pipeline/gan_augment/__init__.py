"""gan-augment: synthetic images for small labelled sets, with proof of whether they help."""
