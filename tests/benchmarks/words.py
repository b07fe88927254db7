"""How brokers are called, for people."""

BROKERS = {"sqlite": "SQLite", "rabbitmq310": "RabbitMQ 3.10", "rabbitmq40": "RabbitMQ 4.0", "": "no broker"}
