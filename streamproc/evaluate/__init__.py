"""The same engine over files, or over a recorded journal, without anything running."""
