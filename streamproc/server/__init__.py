"""The HTTP API and the console: follows topics, and answers from memory."""
