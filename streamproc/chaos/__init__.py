"""Faults on purpose: a pipeline of its own, hurt while it works, and checked afterwards."""
