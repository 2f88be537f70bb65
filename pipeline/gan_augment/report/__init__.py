"""The report of the verdict, as a page and as plain text."""
