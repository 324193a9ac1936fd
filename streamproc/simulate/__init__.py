"""A simulated shop: a library of believable events, and the demonstration that runs on it."""
