"""The HTTP tasks of one process: each with what it shares with the others, made when it is first needed."""

import time
from collections.abc import Callable, Collection

from ebats.pipelines.allow_hosts import parse as parse_allow_hosts
from ebats.pipelines.http_task import HttpTask
from ebats.pipelines.model import Pipeline, Task
from ebats.pipelines.tls import Tls
from ebats.pipelines.url_template import parse_url
from ebats.runner.callbacks.attempt import Kit
from ebats.runner.callbacks.callback import HttpCallback
from ebats.runner.callbacks.guard import Guard
from ebats.runner.callbacks.hosts import Hosts, HostState
from ebats.runner.callbacks.request import as_url, host_of
from ebats.runner.callbacks.session import Sends, Session
from ebats.runner.execution.call import BadEntryPoint
from ebats.runner.execution.clock import Clock


class Callbacks:
    """Makes the callbacks of a process, and knows the hosts that they ask."""

    def __init__(
        self,
        pipeline: Pipeline,
        concurrency: int,
        tasks: Collection[Task],
        say: Callable[[str, str], None],
        open_session: Callable[[Tls | None, Guard | None], Sends] = Session,
        clock: Clock = time,
    ) -> None:
        """Serve a process that runs `concurrency` of these tasks at once; `say` writes a level and a text.

        `open_session` makes what sends requests, given certificates and a guard.
        """
        self._pipeline = pipeline
        self._concurrency = concurrency
        self._has_one_host = len({_host(task) for task in tasks}) == 1 and None not in map(_host, tasks)
        self._say = say
        self._open_session = open_session
        self._clock = clock
        self._sessions: dict[tuple[Tls | None, tuple[str, ...] | None], Sends] = {}
        self._hosts: dict[str, Hosts] = {}

    def of(self, task: Task) -> HttpCallback:
        """Return the callback of a task.

        Raises:
            BadEntryPoint: its `prepare` can't be imported, or a certificate or key of its can't be read.
        """
        http = task.http
        assert http is not None
        try:
            sessions = self._session(http.tls, None), self._session(http.tls, http.allow_hosts)
        except OSError as error:
            files = (http.tls.ca_certs, http.tls.certfile, http.tls.keyfile) if http.tls else ()
            named = ", ".join(file for file in files if file)
            raise BadEntryPoint(f"can't use the certificates of {task.name} ({named}): {error}") from error
        hosts = self._hosts[task.name] = Hosts(self._most(http), http.breaker.after if http.breaker else None)
        kit = Kit(
            http, sessions, hosts, lambda level, text: self._say(level, f"{task.name}: {text}"), self._clock
        )
        return HttpCallback(self._pipeline, task, kit)

    def states(self) -> dict[str, dict[str, HostState]]:
        """Return the hosts that have failed, by task; of tasks that have none, nothing. From any thread."""
        now = self._clock.monotonic()
        found = {name: hosts.states(now) for name, hosts in list(self._hosts.items())}
        return {name: states for name, states in found.items() if states}

    def _most(self, http: HttpTask) -> int:
        if http.max_per_host is not None:
            return http.max_per_host
        # Where all goes to one host, it holds up no other.
        return self._concurrency if self._has_one_host else max(1, self._concurrency // 2)

    def _session(self, tls: Tls | None, allow_hosts: tuple[str, ...] | None) -> Sends:
        """Return the session for these certificates: guarded, but for the one without `allow_hosts`."""
        key = (tls, allow_hosts)
        if key not in self._sessions:
            guard = None if allow_hosts is None else Guard(parse_allow_hosts(allow_hosts))
            self._sessions[key] = self._open_session(tls, guard)
        return self._sessions[key]


def _host(task: Task) -> str | None:
    """Return the one host that a task asks; None: several, or it is another kind of task."""
    http = task.http
    if http is None or http.pointer is not None or http.prepare:
        return None
    template = parse_url(http.url)
    return host_of(as_url(template.template.texts[0])) if template.is_trusted else None
