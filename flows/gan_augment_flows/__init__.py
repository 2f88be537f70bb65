"""Prefect flows: when and where the DVC pipeline runs."""
