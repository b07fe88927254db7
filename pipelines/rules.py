"""What can be wrong with a file: each kind of problem, with an id that stays the same."""

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True, order=True)
class Rule:
    """One kind of problem."""

    #: `EB103`: never used again for another kind.
    id: str
    #: `unknown-key`, for people.
    name: str
    severity: Severity
    #: One sentence: what is wrong with a file that breaks it.
    about: str

    def __str__(self) -> str:
        return self.id


#: By id, in its order.
RULES: dict[str, Rule] = {}


def _rule(number: int, name: str, severity: Severity, about: str) -> Rule:
    rule = Rule(f"EB{number:03}", name, severity, about)
    assert RULES.setdefault(rule.id, rule) is rule, f"{rule.id} stands twice"
    return rule


def is_link(rule: Rule) -> bool:
    """Return whether a rule is about how the parts of a file fit together."""
    return rule.id.startswith("EB2")


def is_before_links(rule: Rule) -> bool:
    """Return whether a rule is about the text of a file, or about the shape of what it says."""
    return rule.id < "EB2"


# Reading: from bytes to data.
NOT_YAML = _rule(1, "not-yaml", "error", "The text isn't YAML.")
NOT_UTF8 = _rule(2, "not-utf8", "error", "The file isn't UTF-8.")
TOO_LARGE = _rule(
    3,
    "too-large",
    "error",
    "The file is larger than 1 MiB, nested too deeply, or made too large by its aliases.",
)
ALIAS_IN_ITSELF = _rule(4, "alias-in-itself", "error", "An alias stands inside of what it repeats.")
UNKNOWN_TAG = _rule(5, "unknown-tag", "error", "A YAML tag means nothing in a pipeline file.")
BAD_MERGE = _rule(6, "bad-merge", "error", "`<<` takes something else than mappings in.")
KEY_NOT_TEXT = _rule(7, "key-not-text", "error", "A key is no text.")
KEY_TWICE = _rule(8, "key-twice", "error", "A key stands twice in one mapping.")
UNSET_VARIABLE = _rule(9, "unset-variable", "error", "An environment variable is unset and has no default.")
MALFORMED_VARIABLE = _rule(
    10, "malformed-variable", "error", "What begins with a dollar sign is no variable."
)
NEEDED_VARIABLE = _rule(
    11, "needed-variable", "error", "An environment variable that has to be there is unset or empty."
)
BAD_SECRET_FILE = _rule(12, "bad-secret-file", "error", "A file that holds a value can't be read.")
BAD_ENV_FILE = _rule(13, "bad-env-file", "error", "The file `.env` can't be read.")
UNREADABLE_INCLUDE = _rule(14, "unreadable-include", "error", "An included file can't be read.")
INCLUDE_CIRCLE = _rule(15, "include-circle", "error", "A file includes itself, perhaps by way of others.")
INCLUDED_TWICE = _rule(16, "included-twice", "error", "A file is included twice.")
TOO_MANY_FILES = _rule(17, "too-many-files", "error", "Too many files are included, or too deep.")
DEFINED_TWICE = _rule(18, "defined-twice", "error", "A name or a key stands in two files.")
OTHER_PIPELINE = _rule(19, "other-pipeline", "error", "An included file is of another pipeline.")
AMBIGUOUS_MODULE = _rule(
    20, "ambiguous-module", "error", "A Python module is there twice, in the folders of two files."
)

# Shape: what the schema says of each value.
EMPTY_FILE = _rule(101, "empty-file", "error", "There is nothing in the file.")
OTHER_VERSION = _rule(102, "other-version", "error", "The file is of a version that this ebats doesn't read.")
UNKNOWN_KEY = _rule(103, "unknown-key", "error", "There is no such key at this place.")
MISSING_KEY = _rule(104, "missing-key", "error", "A key that is needed isn't there.")
LONELY_KEY = _rule(105, "lonely-key", "error", "A key stands without the one that it belongs to.")
NOT_ONE_OF = _rule(106, "not-one-of", "error", "Of several keys exactly one has to be there.")
WRONG_TYPE = _rule(107, "wrong-type", "error", "A value is of another type than the key takes.")
WRONG_VALUE = _rule(108, "wrong-value", "error", "A value isn't one of those that the key takes.")
BAD_NAME = _rule(
    109, "bad-name", "error", "A name has characters, a length or a meaning that names can't have."
)
OUT_OF_BOUNDS = _rule(
    110, "out-of-bounds", "error", "A duration, a size or a number is too small or too large."
)

# Links: how the values fit together. Names first.
UNKNOWN_NAME = _rule(201, "unknown-name", "error", "A name is used that the file doesn't define.")
NAMED_TWICE = _rule(202, "named-twice", "error", "A name or a value stands twice where each may stand once.")
RESERVED_NAME = _rule(203, "reserved-name", "error", "A name on the broker is the broker's or ebats' own.")
LONG_NAME = _rule(
    204, "long-name", "error", "A name on the broker is longer than the 255 bytes that AMQP allows."
)
SAME_ON_BROKER = _rule(205, "same-on-broker", "error", "Two definitions are one thing on the broker.")
OTHER_TYPE = _rule(206, "other-type", "error", "A predeclared exchange is of another type on every broker.")
UNKNOWN_GENERATION = _rule(
    207, "unknown-generation", "warning", "A queue is to be made anew that the pipeline doesn't have."
)

# Keys that don't go together.
BOTH_KEYS = _rule(210, "both-keys", "error", "Two keys say the same, or exclude each other.")
KEY_WITHOUT_MEANING = _rule(211, "key-without-meaning", "error", "A key means nothing beside the others.")
KEY_WITHOUT_EFFECT = _rule(212, "key-without-effect", "warning", "A key changes nothing beside the others.")
NOT_FOR_FORMAT = _rule(213, "not-for-format", "error", "The format of the event's payload rules this out.")

# Events and their keys.
EVENT_ADDRESS = _rule(220, "event-address", "error", "An event's exchange and key don't go together.")
PATTERN_ON_DIRECT = _rule(
    221, "pattern-on-direct", "error", "A direct exchange takes a pattern to the letter."
)
STAR_IN_WORD = _rule(222, "star-in-word", "warning", "`*` and `#` stand for whole words only.")
NO_KEY_TO_PUBLISH = _rule(
    223,
    "no-key-to-publish",
    "error",
    "An event that is a pattern, or somebody else's, can't be published by its name.",
)
CIRCLE = _rule(224, "circle", "warning", "Events lead to each other without an end.")

# Queues, tasks and their ladders.
UNUSED_QUEUE = _rule(230, "unused-queue", "warning", "No task uses a queue.")
UNUSED_EXTERNAL = _rule(231, "unused-external", "error", "No event comes from an external queue.")
NOT_ALLOWED_QUEUE = _rule(232, "not-allowed-queue", "error", "A task may not run from a queue.")
UNUSED_LADDER = _rule(233, "unused-ladder", "warning", "No task uses a ladder.")
EARLY_ACK = _rule(234, "early-ack", "warning", "`ack: early` loses messages when a process dies.")
CLASSIC_LADDER = _rule(
    235, "classic-ladder", "warning", "A classic queue may lose retries when the broker dies."
)
UNPARKABLE = _rule(
    236, "unparkable", "error", "A task may hold its message for longer than RabbitMQ lets it."
)
SECOND_INTAKE = _rule(237, "second-intake", "error", "Two events come from one queue.")

# Consumers.
NOT_CONSUMED = _rule(240, "not-consumed", "error", "No consumer takes a queue, so its tasks would never run.")
TWO_RESTS = _rule(241, "two-rests", "error", "Two consumers take what no other names.")
NOTHING_TO_TAKE = _rule(242, "nothing-to-take", "error", "A consumer has no queue.")
SMALL_PREFETCH = _rule(243, "small-prefetch", "error", "A prefetch is smaller than the number of queues.")
IDLE_QUEUE = _rule(244, "idle-queue", "warning", "A consumer takes a queue that nothing comes from.")

# The broker.
BAD_URL = _rule(250, "bad-url", "error", "The broker's URL can't be used.")

# Templates, payload schemas, times.
BAD_TEMPLATE = _rule(260, "bad-template", "error", "A template can't be read.")
UNKNOWN_FIELD = _rule(261, "unknown-field", "error", "A template names a field that there is never.")
BAD_SCHEMA = _rule(262, "bad-schema", "error", "An event's payload schema can't be used.")
DOUBTFUL_SCHEMA = _rule(
    263, "doubtful-schema", "warning", "A word in a payload schema is no keyword, and checks nothing."
)
PAYLOAD_BREAKS_SCHEMA = _rule(
    264, "payload-breaks-schema", "error", "What a producer publishes breaks its event's schema."
)
BAD_CRON = _rule(265, "bad-cron", "error", "A cron line can't be read, or never fires.")
BAD_TIMEZONE = _rule(266, "bad-timezone", "error", "There is no such time zone.")
UNPROMISED_FIELD = _rule(
    267,
    "unpromised-field",
    "warning",
    "A template names a field that the event's payload schema doesn't promise.",
)

# Producers.
PRODUCER_KIND = _rule(270, "producer-kind", "error", "A producer isn't exactly one of those that there are.")
PRODUCER_TARGET = _rule(
    271, "producer-target", "error", "A producer doesn't say what it publishes, or says two things."
)
SAME_PORT = _rule(272, "same-port", "error", "Two producers listen on one port.")
OPEN_GATEWAY = _rule(273, "open-gateway", "error", "Other machines may publish without saying who they are.")
BAD_TOKEN = _rule(274, "bad-token", "error", "A token can't be sent, is another's too, or allows nothing.")
WEAK_TOKEN = _rule(275, "weak-token", "warning", "A token can be guessed.")
BAD_SECRET = _rule(276, "bad-secret", "error", "A secret for signatures can't be used.")
BAD_HOST = _rule(277, "bad-host", "error", "A host, a port or a list of hosts can't be used.")
SMALL_BODY = _rule(278, "small-body", "warning", "A limit is never reached, because another one is lower.")

# HTTP callbacks.
BAD_HEADER = _rule(280, "bad-header", "error", "A header can't be sent.")
SUCCESS_AND_FINAL = _rule(
    281, "success-and-final", "error", "A status is a success and the end of the message too."
)
BAD_STATUS = _rule(282, "bad-status", "error", "A range of statuses ends before it begins.")
BAD_REGEX = _rule(283, "bad-regex", "error", "A regular expression can't be read.")
LONG_TIMEOUT = _rule(284, "long-timeout", "warning", "A part of an attempt may take longer than the whole.")

# Logs and alerts.
SAME_PLACE = _rule(290, "same-place", "error", "Two sinks write to one place.")
PLAIN_LOGIN = _rule(291, "plain-login", "warning", "A login goes over the network as it is.")
UNUSED_TLS = _rule(292, "unused-tls", "warning", "No connection of this kind uses TLS.")
NOBODY_TOLD = _rule(293, "nobody-told", "error", "Alerts without a channel tell nobody.")
UNUSED_OWNER = _rule(294, "unused-owner", "warning", "Nothing belongs to an owner.")
UNUSED_CHANNEL = _rule(295, "unused-channel", "warning", "Nothing is told in a channel.")
IDLE_RULE = _rule(296, "idle-rule", "error", "A rule of the alerts never comes true, or always is.")
PLAIN_SECRET = _rule(
    297, "plain-secret", "warning", "A password, a token or a key stands in the file itself."
)
UNREACHED_SINK = _rule(298, "unreached-sink", "warning", "No record of a task comes to a sink.")

#: What these say may follow from an error of reading or of shape: the use may stand where that one is.
UNUSED = frozenset({UNUSED_QUEUE, UNUSED_LADDER, IDLE_QUEUE, UNUSED_OWNER, UNUSED_CHANNEL, UNREACHED_SINK})

# Surroundings: what a file needs around it.
NOT_IMPORTABLE = _rule(301, "not-importable", "error", "A Python function can't be imported.")
PORT_TAKEN = _rule(302, "port-taken", "error", "A producer can't listen on its port.")
SLOW_IMPORT = _rule(303, "slow-import", "warning", "Importing a Python function takes too long to wait for.")
UNPROMISED_PARAMETER = _rule(
    304,
    "unpromised-parameter",
    "warning",
    "A Python function needs a parameter that the event's payload schema doesn't promise.",
)
IMPOSSIBLE_PARAMETER = _rule(
    305,
    "impossible-parameter",
    "error",
    "A Python function needs a parameter that the event's payload schema rules out.",
)
UNREACHED_TASK = _rule(306, "unreached-task", "warning", "No event leads to a task, and no code names it.")
BROKER_AWAY = _rule(310, "broker-away", "error", "The broker can't be reached.")
LOGIN_REFUSED = _rule(311, "login-refused", "error", "The broker doesn't let the file's user in.")
DIFFERS = _rule(312, "differs", "error", "Something is otherwise on the broker than the file wants it.")
NOT_ON_BROKER = _rule(
    313, "not-on-broker", "error", "Something isn't on the broker, and isn't the file's to declare."
)
LACKING_RIGHT = _rule(314, "lacking-right", "error", "The broker's user lacks a permission.")
UNUSABLE = _rule(315, "unusable", "error", "An external queue is a stream, which nothing can be moved from.")
BROKER_REFUSES = _rule(
    316, "broker-refuses", "error", "The broker refuses something for a reason of its own."
)
BROKER_FILE = _rule(317, "broker-file", "error", "The embedded broker's file can't be used.")
ELASTIC_AWAY = _rule(
    320, "elasticsearch-away", "error", "Elasticsearch can't be reached, or doesn't let us in."
)

# Tests: the cases of a file.
ANSWER_MISFIT = _rule(401, "answer-misfit", "error", "An answer is none that its task can give.")
NO_JSON = _rule(402, "no-json", "error", "A payload has a value that JSON has nothing for.")
