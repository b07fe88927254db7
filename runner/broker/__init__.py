"""The broker: connect, declare, publish, consume. The only importers of kombu."""
