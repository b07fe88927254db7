"""Match routing keys against topic patterns, as AMQP does."""

from dataclasses import dataclass

ONE_WORD = "*"
ANY_WORDS = "#"


def split(key: str) -> tuple[str, ...]:
    """Cut a routing key or pattern into its words; the empty text has none.

    `a..b` has three words of which the second is empty, as on RabbitMQ.
    """
    return tuple(key.split(".")) if key else ()


@dataclass(frozen=True, slots=True)
class TopicPattern:
    """A pattern cut into words once, for matching many keys."""

    words: tuple[str, ...]

    @classmethod
    def parse(cls, pattern: str) -> "TopicPattern":
        """Take a pattern such as `*.*.PAID` or `orders.#`."""
        return cls(split(pattern))

    def matches(self, key: str) -> bool:
        """Say whether `key` is one of the keys that the pattern stands for."""
        return _match(self.words, split(key))


def matches(pattern: str, key: str) -> bool:
    """Say whether a topic pattern takes a routing key.

    `*` is exactly one word, `#` is zero or more (AMQP 0-9-1, section 3.1.3.3). Words are parted by dots; a
    star or hash that is only a part of a word stands for itself.
    """
    return _match(split(pattern), split(key))


def _match(pattern: tuple[str, ...], words: tuple[str, ...]) -> bool:
    """Greedy matching that goes back to the last `#` only: linear but for pathological patterns."""
    at = word = 0
    hash_at, hash_word = -1, 0
    while word < len(words):
        if at < len(pattern) and pattern[at] == ANY_WORDS:
            hash_at, hash_word = at, word
            at += 1
        elif at < len(pattern) and pattern[at] in (ONE_WORD, words[word]):
            at += 1
            word += 1
        elif hash_at >= 0:
            hash_word += 1
            at, word = hash_at + 1, hash_word
        else:
            return False
    return all(rest == ANY_WORDS for rest in pattern[at:])
