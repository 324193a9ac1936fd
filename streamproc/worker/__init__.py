"""Events to slates and journal."""
