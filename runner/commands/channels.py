"""`ebats alerts test FILE`: one message through each channel, and what came of it."""

import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from ebats.pipelines import alerts as model
from ebats.pipelines.load import load
from ebats.pipelines.model import Pipeline
from ebats.pipelines.problems import UsageError
from ebats.pipelines.suggestion import suggest
from ebats.runner.alerts import wording
from ebats.runner.alerts.channels.build import build
from ebats.runner.alerts.channels.channel import Channel, ChannelError, Paced
from ebats.runner.alerts.notice import Notice
from ebats.runner.state import folder_of

#: Channels of ours end by their time-outs; a function of the pipeline may not.
_PATIENCE_S = 60.0
_KINDS = {
    model.WecomChannel: "wecom",
    model.EmailChannel: "email",
    model.WebhookChannel: "webhook",
    model.PythonChannel: "python",
}


@dataclass(slots=True)
class _Trial:
    """A channel on trial."""

    name: str
    kind: str
    #: None: it is still busy; empty: all is well.
    problem: str | None = None


def try_out(file: str, environ: Mapping[str, str], names: Sequence[str]) -> int:
    """Send a message through these channels, none: all; print a line for each; return 1 where one failed.

    Raises:
        EbatsError: the file is bad, has no such channel, or no alerts.
    """
    pipeline = load(file, environ)
    if pipeline.alerts is None:
        raise UsageError(f"{file} has no section `alerts`, so there is nobody to tell")
    channels = _chosen(pipeline, pipeline.alerts, names)
    run = wording.run_of(pipeline)
    trials = [
        _Trial(channel.name, _KINDS[type(pipeline.alerts.channels[channel.name])]) for channel in channels
    ]
    threads = [
        threading.Thread(target=_try, args=(trial, channel, run), daemon=True)
        for trial, channel in zip(trials, channels, strict=True)
    ]
    for thread in threads:
        thread.start()
    ends = time.monotonic() + _PATIENCE_S
    for thread in threads:
        thread.join(max(0.0, ends - time.monotonic()))
    for line in _lines(trials):
        sys.stdout.write(line)
    return 1 if any(trial.problem != "" for trial in trials) else 0


def _chosen(pipeline: Pipeline, alerts: model.Alerts, names: Sequence[str]) -> list[Channel]:
    for name in names:
        if name not in alerts.channels:
            hint = suggest(name, alerts.channels)
            raise UsageError(f"{pipeline.file} has no channel {name!r}" + (f"; {hint}" if hint else ""))
    sys.path[:0] = pipeline.included
    found = build(alerts, pipeline.folder, str(folder_of(pipeline)))
    return [channel for channel in found if not names or channel.name in names]


def _try(trial: _Trial, channel: Channel, run: wording.Run) -> None:
    notice = wording.test(run, channel.name, datetime.now(UTC))
    try:
        _send(channel, notice)
    except ChannelError as error:
        trial.problem = str(error)
    except Exception as error:
        trial.problem = wording.line(f"{type(error).__name__}: {error}", 300)
    else:
        trial.problem = ""
    finally:
        channel.close()


def _send(channel: Channel, notice: Notice) -> None:
    """Send it, when a robot that a runner has used much may be used again."""
    while True:
        try:
            return channel.send([notice])
        except Paced as error:
            time.sleep(error.retry_after_s or 1.0)


def _lines(trials: Sequence[_Trial]) -> Iterator[str]:
    width = max((len(trial.name) for trial in trials), default=0)
    for trial in trials:
        unknown = f"no answer within {_PATIENCE_S:g} s"
        told = unknown if trial.problem is None else trial.problem or "ok"
        yield f"{trial.name:<{width}}  {trial.kind:<7}  {told}\n"
