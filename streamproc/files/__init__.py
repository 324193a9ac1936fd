"""Files of events: read in order with bounded memory, and fed into the events topic."""
