"""What `ebats validate` found in one file: its problems, or what is in it, or why it can't be read."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from ebats.pipelines import load
from ebats.pipelines.counting import counted
from ebats.pipelines.model import Pipeline
from ebats.pipelines.problems import BadFile, Problem, UnreadableFile
from ebats.runner.commands import clocks
from ebats.runner.commands.meant import without_meant

#: Looks at a good file's pipeline once more, at what is around it for example.
Layer = Callable[[Pipeline], Iterable[Problem]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What was found in one file."""

    #: As it was named; that of standard input is what it is called there.
    file: str
    #: In the order of the file.
    problems: tuple[Problem, ...] = ()
    #: Of a good file: how many of what are in it.
    contents: Mapping[str, int] | None = None
    #: Why it couldn't be read at all; an empty text where it could.
    unreadable: str = ""
    #: Its text, where that isn't on the disk.
    text: str | None = None

    @property
    def has_errors(self) -> bool:
        """Return whether the file can't be run."""
        return bool(self.unreadable) or any(each.severity == "error" for each in self.problems)


def judge(
    file: str,
    environ: Mapping[str, str],
    layers: Iterable[Layer] = (),
    *,
    content: bytes | None = None,
    with_links: bool = True,
) -> Verdict:
    """Return what is wrong with one file, or with `content` as if it stood there.

    `NAME_test.yaml` is held against the pipeline file beside it. The layers are asked, one after the other,
    only about a file without errors. Without links nothing is said about how its parts fit together.
    Warnings that a comment on their line ignores are left out.
    """
    found = _judge(file, environ, layers, content, with_links)
    texts = {} if found.text is None else {file: found.text}
    return replace(found, problems=without_meant(found.problems, texts))


def _judge(
    file: str, environ: Mapping[str, str], layers: Iterable[Layer], content: bytes | None, with_links: bool
) -> Verdict:
    if content is None and file.endswith(("_test.yaml", "_test.yml")):
        # Only now: most files have no cases beside them, and these take a while to import.
        from ebats.runner.commands import cases_files

        if cases_files.has_pipeline(file):
            return _judge_cases(file, environ)
    text = None if content is None else content.decode("utf-8-sig", errors="replace")
    try:
        if content is None:
            loaded = clocks.examine(file, environ, with_links=with_links)
        else:
            loaded = clocks.from_bytes(file, content, environ, with_links=with_links)
    except BadFile as error:
        return Verdict(file=file, problems=error.problems, text=text)
    except UnreadableFile as error:
        return Verdict(file=file, unreadable=str(error), text=text)
    found = {problem for layer in layers for problem in layer(loaded.pipeline)}
    found = {*load.concealed(found, loaded.source)}
    return Verdict(
        file=file,
        problems=tuple(sorted({*loaded.warnings, *found})),
        contents=_contents(loaded.pipeline),
        text=text,
    )


def _judge_cases(file: str, environ: Mapping[str, str]) -> Verdict:
    from ebats.runner.commands.cases_files import find

    try:
        (found,) = find([file], environ, {})
    except BadFile as error:
        return Verdict(file=file, problems=error.problems)
    except UnreadableFile as error:
        return Verdict(file=file, unreadable=str(error))
    return Verdict(file=file, contents={"case": len(found.cases)})


def summary(verdict: Verdict) -> str:
    """Return what a good file has in it, such as `1 event, 2 tasks`."""
    return ", ".join(counted(number, noun) for noun, number in (verdict.contents or {}).items())


def _contents(pipeline: Pipeline) -> dict[str, int]:
    producers = {"producer": len(pipeline.producers)} if pipeline.producers else {}
    return {
        "event": len(pipeline.events),
        "task": len(pipeline.tasks),
        "queue": len(pipeline.queues),
        "consumer": len(pipeline.consumers),
        **producers,
    }


def problems(verdicts: Iterable[Verdict]) -> list[Problem]:
    """Return all problems in their order; one of a file that several include is told once."""
    return list(dict.fromkeys(problem for verdict in verdicts for problem in verdict.problems))
