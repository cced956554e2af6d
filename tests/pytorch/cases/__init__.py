"""One module a file of values."""
