"""What a pipeline needs of its surroundings, checked, with what to do where something is missing."""
