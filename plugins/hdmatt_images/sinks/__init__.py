"""Sinks: one module for each format."""
