"""Ingest: raw images of any kind become data/real, split and sealed."""
