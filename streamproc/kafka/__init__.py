"""The ways into and out of Kafka: topics, producers, readers, leases."""
