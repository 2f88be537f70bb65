"""A user's own project around the installed component: how it starts, and what it should have."""
