"""The messages by which URLs are called: one for each URL, in the format of `http: {from: payload}`. Pure."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any, TypedDict, Unpack

from ebats.runner.client import request
from ebats.runner.client.request import Part
from ebats.runner.execution.ids import new_id
from ebats.runner.publishing.messages import Duration

#: Hexadecimal digits of the SHA-256 of a URL, at the end of its message's id.
_DIGITS = 16
#: The rest is for the task that calls it: it has a dead letter for what it can't call.
_URL = re.compile(r"https?://[^\s/?#]", re.IGNORECASE)


class NotifyOptions(TypedDict, total=False):
    """What `notify` takes by name."""

    unique_key: str | None
    queue: str | None
    task: str | None
    event: str | None
    delay: Duration | None
    headers: Mapping[str, Any] | None
    method: str | None
    options: Mapping[str, Any] | None
    control: Mapping[str, Any] | None


def parts(urls: str | Iterable[str], **options: Unpack[NotifyOptions]) -> list[Part]:
    """Return a message for each URL.

    Raises:
        TypeError, ValueError: a URL is none, the key makes no id, or nobody is named to call them.
    """
    if unknown := options.keys() - NotifyOptions.__optional_keys__:
        raise TypeError(f"notify has no option {min(unknown)!r}")
    key = options.get("unique_key")
    each = [urls] if isinstance(urls, str) else urls
    if not isinstance(each, Iterable):
        raise TypeError(f"notify takes a URL or several, unlike {urls!r:.60}")
    return [_part(_id(key, _url(url)), _payload(url, options), options) for url in each]


def _part(id_: str, payload: dict[str, Any], options: NotifyOptions) -> Part:
    event, task, queue = options.get("event"), options.get("task"), options.get("queue")
    more: dict[str, Any] = {"id": id_, "delay": options.get("delay"), "headers": options.get("headers")}
    if event is not None and task is not None:
        raise ValueError("notify takes an event or a task, not both")
    if event is not None:
        return request.event(event, payload, queue=queue, **more)
    if task is not None:
        return request.task(task, payload, queue=queue, **more)
    if queue is not None:
        return request.queue(queue, payload, **more)
    raise ValueError("say who calls the URLs: notify(urls, queue=...), or task=, or event=")


def _payload(url: str, options: NotifyOptions) -> dict[str, Any]:
    given = {"method": options.get("method"), "url": url, "options": options.get("options")}
    payload: dict[str, Any] = {
        "requests": [{name: value for name, value in given.items() if value is not None}]
    }
    if (control := options.get("control")) is not None:
        payload["control"] = control
    return payload


def _id(unique_key: str | None, url: str) -> str:
    """Return a message's id: the same for a key and a URL, in whatever order the URLs are given."""
    if unique_key is None:
        return new_id()
    if not isinstance(unique_key, str) or not unique_key:
        raise TypeError(f"unique_key has to be a text that isn't empty, unlike {unique_key!r:.60}")
    return f"{unique_key}-{hashlib.sha256(url.encode()).hexdigest()[:_DIGITS]}"


def _url(url: str) -> str:
    if not isinstance(url, str):
        raise TypeError(f"a URL has to be a str, unlike {url!r:.60}")
    if not _URL.match(url):
        raise ValueError(f"a URL begins with http:// or https:// and a host, unlike {url!r:.60}")
    return url
