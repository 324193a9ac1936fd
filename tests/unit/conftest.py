"""Settings of all unit tests."""

from hypothesis import settings

settings.register_profile("streamproc", deadline=None)  # the first example may have to compile a kernel
settings.load_profile("streamproc")
