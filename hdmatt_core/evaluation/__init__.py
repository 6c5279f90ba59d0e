"""Comparing methods on sets of pictures with known mattes."""
