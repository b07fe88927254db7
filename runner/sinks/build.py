"""From the sinks of a pipeline's file to sinks that write."""

from ebats.pipelines import sink as model
from ebats.runner.sinks.exposure import Exposures
from ebats.runner.sinks.python import Python
from ebats.runner.sinks.setting import Setting
from ebats.runner.sinks.sink import Sink
from ebats.runner.sinks.std import Std


def build(sinks: tuple[model.Sink, ...], setting: Setting) -> list[Sink]:
    """Return a sink for each of the file's, in its order; none opens anything before its first record.

    But for Elasticsearch's: that begins at once to send what an earlier run left.
    """
    return [_build(sink, setting) for sink in sinks]


def _build(sink: model.Sink, setting: Setting) -> Sink:
    match sink:
        case model.StdSink():
            return Std(sink, Exposures(sink.exposure, setting.tasks), setting)
        case model.PythonSink():
            return Python(sink, setting.folder)
        case model.FileSink():
            # Here, for loguru is slow to import and only files need it.
            from ebats.runner.sinks.file import File

            return File(sink, Exposures(sink.exposure, setting.tasks), setting)
        case model.ElasticSink():
            # Here, for a client takes half a second to import, and most pipelines need none.
            from ebats.runner.sinks.elastic.elastic import Elastic

            return Elastic(sink, Exposures(sink.exposure, setting.tasks), setting)
