"""What travels between the parts: events, slates, journal records, topics, dead letters."""
