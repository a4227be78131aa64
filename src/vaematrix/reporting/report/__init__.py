"""The report: a short article that \\inputs the tables, and its PDF."""
