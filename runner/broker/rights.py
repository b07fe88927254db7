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


def lacking(text: str, *rights: Right, pipeline: str | None = None) -> str | None:
    """Return what a refusal of RabbitMQ means; None: it is about something else.

    `rights` are those of which one was missing, where the broker doesn't say. With the name of a pipeline
    the permission to grant is the one for all that is the pipeline's.
    """
    found = _REFUSED.search(text)
    if not found:
        return None
    name, needed = found["name"], [found["right"]] if found["right"] else rights
    what = "the default exchange" if name == DEFAULT_EXCHANGE else f"the {found['kind']} {name}"
    may_not = f"the user {found['user']!r} may not {' or '.join(_MAY_NOT[right] for right in needed)} {what}"
    permission = f"{' and '.join(needed)} permission{'s' if len(needed) > 1 else ''}"
    pattern = pattern_of(name, pipeline)
    return f"{may_not}: add {pattern} to its {permission} in the virtual host {found['vhost']!r}"


def refused_name(text: str) -> str | None:
    """Return the name of the exchange or queue that a refusal is about; None: it is about something else."""
    found = _REFUSED.search(text)
    return found["name"] if found else None


def pattern_of(name: str, pipeline: str | None = None) -> str:
    """Return the regular expression that permits a name, or all names of a pipeline where it is one."""
    if pipeline and name.startswith(f"{pipeline}."):
        return rf"^{re.escape(pipeline)}\."
    return f"^{re.escape(name)}$"
