"""Data at rest: how arrays are laid out in zarr, the store of one run, and the ledger of finished blocks."""
