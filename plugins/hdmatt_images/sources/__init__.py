"""Sources: one module for each format."""
