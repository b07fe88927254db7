"""The contracts, as JSON Schema."""
