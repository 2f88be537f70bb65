"""Side-by-side runs against peers and limits; every table in docs/ comes from a command here."""
