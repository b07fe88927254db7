"""What a schema can't say about gateways: who may reach them, and what their tokens and secrets are."""

import re

from ebats.pipelines import rules
from ebats.pipelines.counting import counted
from ebats.pipelines.loopback import is_loopback
from ebats.pipelines.producer import HttpProducer, Token
from ebats.pipelines.source import Path
from ebats.pipelines.values import Values
from ebats.pipelines.webhook_secret import key_of

#: Shorter ones can be guessed by trying.
_SHORTEST_TOKEN = 16
_RANDOM = "write a random one, such as `openssl rand -hex 32` prints"
#: A name or an IPv4 address.
_HOST = re.compile(r"[A-Za-z0-9._-]+")
#: What a header can carry (RFC 9110, section 5.5), and nobody changes on the way.
_TOKEN = re.compile(r"[!-~](?:[ -~]*[!-~])?")


def check(producer: HttpProducer, values: Values) -> None:
    """Note in `values.problems` what is wrong with a gateway, and what is doubtful."""
    path: Path = ("producers", producer.name, "http")
    _check_reach(producer, path, values)
    _check_tokens(producer, path, values)
    _check_secrets(path, values)
    _check_hosts(path, values)
    if producer.max_item > producer.max_body:
        text = "`max_item` is larger than `max_body`, which no item can be"
        where = "max_item" if "max_item" in values.keys(*path) else "max_body"
        values.problem(rules.SMALL_BODY, (*path, where), text, "make it smaller, or `max_body` larger")


def _check_reach(producer: HttpProducer, path: Path, values: Values) -> None:
    has_auth = "auth" in values.keys(*path)
    if producer.insecure and has_auth:
        text = "`insecure` changes nothing here: whoever publishes has to say who he is"
        values.problem_at_key(rules.KEY_WITHOUT_EFFECT, (*path, "insecure"), text, "take it out")
    if producer.insecure or has_auth or is_loopback(producer.host) or values.has_error(*path, "listen"):
        return
    text = f"other machines reach {producer.host}, and whoever does may publish"
    hint = "add `auth`, listen on 127.0.0.1, or write `insecure: true` if everybody may"
    values.problem(rules.OPEN_GATEWAY, (*path, "listen"), text, hint)


def _check_tokens(producer: HttpProducer, path: Path, values: Values) -> None:
    bearer = (*path, "auth", "bearer")
    is_list = isinstance(values.get(*bearer), list)
    tokens: set[str] = set()
    names: set[str] = set()
    for index, token in enumerate(producer.tokens):
        item: Path = (*bearer, index) if is_list else bearer
        has_keys = isinstance(values.get(*item), dict)
        if values.is_broken(*item, "token") or (has_keys and "token" not in values.keys(*item)):
            continue
        _check_token(token, (*item, "token") if has_keys else item, values)
        if token.token in tokens:
            values.problem_at_key(
                rules.BAD_TOKEN, item, f"the token of `{token.name}` is another's too", _RANDOM
            )
        elif token.name in names:
            text = f"there is a token `{token.name}` already"
            values.problem(
                rules.NAMED_TWICE, (*item, "name"), text, "give it another name: rates are counted by it"
            )
        tokens.add(token.token)
        names.add(token.name)
        if has_keys and "allow" in values.keys(*item) and not any(values.keys(*item, "allow")):
            hint = "name what it may publish to, or take `allow` out for everything"
            values.problem_at_key(
                rules.BAD_TOKEN, (*item, "allow"), f"`{token.name}` may publish to nothing", hint
            )


def _check_token(token: Token, path: Path, values: Values) -> None:
    if not _TOKEN.fullmatch(token.token):
        text = "a token has letters, digits and signs of ASCII, without blanks at its ends"
        values.problem(rules.BAD_TOKEN, path, text, _RANDOM)
    elif len(token.token) < _SHORTEST_TOKEN:
        text = f"a token of {counted(len(token.token), 'character')} can be guessed"
        values.problem(rules.WEAK_TOKEN, path, text, _RANDOM)


def _check_secrets(path: Path, values: Values) -> None:
    secret: Path = (*path, "auth", "secret")
    found = values.get(*secret)
    written = [(secret, found)] if isinstance(found, str) else []
    written += [((*secret, index), item) for index, item in values.items(*secret)]
    for where, text in written:
        try:
            key_of(text)
        except ValueError as error:
            values.problem(
                rules.BAD_SECRET, where, f"this is {error}", "write whsec_ and `openssl rand -base64 32`"
            )


def _check_hosts(path: Path, values: Values) -> None:
    for index, host in values.items(*path, "hosts"):
        if not _HOST.fullmatch(host):
            text = f"`{host[:80]}` is no host name"
            values.problem(
                rules.BAD_HOST, (*path, "hosts", index), text, "write it without scheme, port and path"
            )
