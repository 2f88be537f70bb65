"""Prefect flows: when and where the DVC pipeline runs. Prefect reports nothing home from here."""

import os

# Before Prefect is imported, which reads them then. Who wants to be counted sets them otherwise.
os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
