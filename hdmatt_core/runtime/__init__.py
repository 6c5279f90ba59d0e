"""Doing what a plan says: tasks over blocks, on dask or in this thread, with a ledger to go on from."""
