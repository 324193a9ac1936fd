"""Which signals are measured: all of them, as by default, or few, for who needs the speed more."""

import tomllib

from benchmarks.machine import ROOT
from benchmarks.stage import Settings

ALL: Settings = {}
FEW: Settings = tomllib.loads((ROOT / "docs" / "few-signals.toml").read_text("utf-8"))
PROFILES = {"": ALL, "/few": FEW}  # what a benchmark's name ends in, and its settings
