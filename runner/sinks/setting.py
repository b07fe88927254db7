"""What every sink may need to know about the run that it writes for."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ebats.pipelines.model import Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """The run that a writer writes for."""

    #: The pipeline's name.
    pipeline: str
    #: Of the file, absolute: Python modules are found there.
    folder: str
    environment: str | None = None
    #: As OpenTelemetry calls what carries the messages.
    broker_system: str = "rabbitmq"
    tasks: Mapping[str, Task] = field(default_factory=dict)
    #: Where a sink keeps what has to outlive this process: a folder of this pipeline's, absolute.
    state: str = ""
