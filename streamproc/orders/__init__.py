"""What a person decides, as records of the journal; each takes effect when it is read."""
