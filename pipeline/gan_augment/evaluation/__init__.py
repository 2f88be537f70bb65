"""Evaluate: do the synthetic images help? Arms, classifiers, statistics, verdict."""
