"""The embedded broker: a kombu transport on one SQLite file, for the processes of one machine.

It speaks what RabbitMQ 3.10 to 4.2 speak, as far as the runner relies on it, through channels that read like
py-amqp's. What differs: durable or not, everything is kept until it is deleted; a message that expires leaves
at its time and not only from the head of its queue; without `x-delivery-limit` there is no limit; there are
no headers exchanges, no bindings between exchanges, no priorities and no length limits; arguments that it
doesn't know are refused.

From the outside in: `transport`, `connection` and `channel` (py-amqp's face), `pump` (when to do what),
`publishing`, `leases` and `expiry` (the transactions), `store` (one database handle), `schema`, `mutex`,
`files`.
"""

from ebats.runner.broker.sqlite.transport import Transport

__all__ = ["Transport"]
