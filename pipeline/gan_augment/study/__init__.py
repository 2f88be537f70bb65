"""The whole pipeline, over and over: from other seeds, and from fewer images."""
