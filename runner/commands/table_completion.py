"""`ebats completion`: its arguments and its help."""

import argparse

from ebats.runner.commands.command import Command

_COMPLETION = """\
examples:
  ebats completion bash     > ~/.local/share/bash-completion/completions/ebats
  ebats completion zsh      > ~/.zfunc/_ebats     (in a folder of your $fpath)
  ebats completion fish     > ~/.config/fish/completions/ebats.fish

For a try in the shell that runs: eval "$(ebats completion bash)"
"""


def _add_completion(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=("bash", "zsh", "fish"), help="for which shell")


def _completion(arguments: argparse.Namespace) -> int:
    from ebats.runner.commands import completion

    return completion.main(arguments.shell, arguments.root)


COMMANDS = {
    "completion": Command(
        help="print what a shell needs to complete this command",
        description="Print a script that lets a shell complete the commands, their options and their files.",
        epilog=_COMPLETION,
        add_arguments=_add_completion,
        call=_completion,
    ),
}
