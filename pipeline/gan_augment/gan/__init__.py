"""Train: a class-conditional generative adversarial network of data/real."""
