"""The trainer: the journal in, the model and the users' states out."""
