"""The commands of `ebats`, each with its arguments, its help, and where it is done.

What does them is imported when it is called: `ebats --help` is to be there at once.
"""

from ebats.runner.commands import (
    table_alerts,
    table_change,
    table_completion,
    table_config,
    table_dead,
    table_explain,
    table_export,
    table_graph,
    table_init,
    table_logs,
    table_publish,
    table_queues,
    table_run,
    table_status,
    table_test,
    table_validate,
)
from ebats.runner.commands.command import Command

#: By name, in the order of the help.
COMMANDS: dict[str, Command] = {
    **table_run.COMMANDS,
    **table_init.COMMANDS,
    **table_validate.COMMANDS,
    **table_test.COMMANDS,
    **table_explain.COMMANDS,
    **table_graph.COMMANDS,
    **table_config.COMMANDS,
    **table_publish.COMMANDS,
    **table_status.COMMANDS,
    **table_alerts.COMMANDS,
    **table_dead.COMMANDS,
    **table_queues.COMMANDS,
    **table_change.COMMANDS,
    **table_logs.COMMANDS,
    **table_export.COMMANDS,
    **table_completion.COMMANDS,
}
