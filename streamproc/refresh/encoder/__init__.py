"""A recurrent network trained over the history in a process of its own."""
