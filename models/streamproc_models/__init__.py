"""The models: numpy and numba, no I/O and no clock."""
