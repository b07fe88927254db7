"""What a user of RabbitMQ lacks, in one sentence with the permission to grant."""

import re
from typing import Literal

Right = Literal["configure", "write", "read"]

#: RabbitMQ 3.10 doesn't say which right it is about, 4.0 does
#: (https://www.rabbitmq.com/docs/access-control#authorisation).
_REFUSED = re.compile(
    r"(?:(?P<right>configure|write|read) )?access to (?P<kind>queue|exchange) '(?P<name>[^']*)'"
    r" in vhost '(?P<vhost>[^']*)' refused for user '(?P<user>[^']*)'"
)
_MAY_NOT = {"configure": "configure", "write": "write to", "read": "read from"}
#: What permissions call the exchange without a name.
DEFAULT_EXCHANGE = "amq.default"


def lacking(text: str, right: Right, pipeline: str | None = None) -> str | None:
    """Return what a refusal of RabbitMQ means; None: it is about something else.

    `right` is the one that was needed, where the broker doesn't say. With the name of a pipeline the
    permission to grant is the one for all that is the pipeline's.
    """
    found = _REFUSED.search(text)
    if not found:
        return None
    name, needed = found["name"], found["right"] or right
    what = "the default exchange" if name == DEFAULT_EXCHANGE else f"the {found['kind']} {name}"
    pattern = pattern_of(name, pipeline)
    may_not = f"the user {found['user']!r} may not {_MAY_NOT[needed]} {what}"
    return f"{may_not}: add {pattern} to its {needed} permission in the virtual host {found['vhost']!r}"


def pattern_of(name: str, pipeline: str | None = None) -> str:
    """Return the regular expression that permits a name, or all names of a pipeline where it is one."""
    if pipeline and name.startswith(f"{pipeline}."):
        return rf"^{re.escape(pipeline)}\."
    return f"^{re.escape(name)}$"
