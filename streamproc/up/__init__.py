"""Everything on one machine: the parts as child processes, watched over, and a live view of how they do."""
