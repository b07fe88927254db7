"""Why a connection to the broker was lost, in words: what RabbitMQ says, and what to do about it."""

import re

from ebats.pipelines.counting import counted

#: What RabbitMQ says of a delivery that nobody acknowledged in time
#: (https://www.rabbitmq.com/docs/consumers#acknowledgement-timeout).
_TOO_LATE = re.compile(r"delivery acknowledgement on channel \d+ timed out\. Timeout value used: (\d+) ms")


def why_lost(error: BaseException) -> str:
    """Return what ended a connection, in a text for people."""
    text = str(error) or type(error).__name__
    if found := _TOO_LATE.search(text):
        seconds = int(found[1]) // 1000
        return (
            f"the broker takes back what isn't acknowledged within {counted(seconds, 'second')}, and a task "
            f"takes longer: say so in the file, with `consumer_timeout: {seconds}s` at `broker`"
        )
    return text
