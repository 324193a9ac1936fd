"""The batch job: from the journal's history to a new generation of long-term interests."""
