"""The console: what runs, how good it is and why, in pages that ask no other machine for anything."""
