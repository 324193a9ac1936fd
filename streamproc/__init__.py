"""A streaming recommender that learns from every event."""
