"""The completion scripts for bash, zsh and fish."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_BASH = """\
# Completion of alimock for bash, printed by `alimock completion bash`.
_alimock() {{
    local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD - 1]}} options= words= files=
    # In --option=value, the = is a word of its own.
    if [[ $current == = ]]; then
        current=
    elif [[ $previous == = ]]; then
        previous=${{COMP_WORDS[COMP_CWORD - 2]}}
    fi
    if ((COMP_CWORD == 1)); then
        words={commands}
    else
        case "${{COMP_WORDS[1]}} $previous" in
{values}
        *)
            case "${{COMP_WORDS[1]}}" in
{arguments}
            esac
            if [[ $current == -* || -z $words$files ]]; then
                words=$options files=
            fi
            ;;
        esac
    fi
    # Without a match, bash completes files.
    [[ $files ]] || compopt +o default 2>/dev/null
    COMPREPLY=($(compgen -W "$words" -- "$current"))
}}
complete -o default -F _alimock alimock
"""
_ZSH = """\
#compdef alimock
# Completion of alimock for zsh, printed by `alimock completion zsh`.
_alimock() {{
    local -a commands=({commands})
    if ((CURRENT == 2)); then
        _describe command commands
        _arguments '--help[show help]' '--version[show the version]'
        return
    fi
    shift words
    ((CURRENT--))
    case $words[1] in
{arguments}
    esac
}}
_alimock_names_or_files() {{
    compadd -- "$@"
    _files
}}
if [[ $funcstack[1] == _alimock ]]; then
    _alimock "$@"
else
    compdef _alimock alimock
fi
"""
_FISH = """\
# Completion of alimock for fish, printed by `alimock completion fish`.
complete -c alimock -f
complete -c alimock -n __fish_use_subcommand -l help -d 'show help'
complete -c alimock -n __fish_use_subcommand -l version -d 'show the version'
"""


@dataclass(frozen=True)
class Argument:
    """An option, or without `flags` an argument: its placeholder, its help, and what its value can be."""

    flags: tuple[str, ...]
    placeholder: str
    help: str
    values: tuple[str, ...] = ()
    is_file: bool = False
    is_flag: bool = False
    is_optional: bool = False
    is_repeated: bool = False


@dataclass(frozen=True)
class Command:
    """A command and its arguments."""

    name: str
    help: str
    arguments: tuple[Argument, ...]


def bash(commands: Sequence[Command]) -> str:
    """Return the script for bash, which also works with the bash 3.2 of macOS."""
    values, arguments = [], []
    for command in commands:
        flags = [flag for one in command.arguments for flag in one.flags]
        arguments.append(f"            {command.name}) options={_quoted(' '.join(flags))} {_bash_value(command.arguments, ())} ;;")
        for one in command.arguments:
            # What follows an option with an optional value is more often another option.
            if one.flags and not one.is_flag and not one.is_optional:
                pattern = "|".join(f'"{command.name} {flag}"' for flag in one.flags)
                values.append(f"        {pattern}) {_bash_value((one,), one.flags)} ;;")
    names = _quoted(" ".join((*(command.name for command in commands), "--help", "--version")))
    return _BASH.format(commands=names, values="\n".join(values), arguments="\n".join(arguments))


def _bash_value(arguments: Sequence[Argument], flags: tuple[str, ...]) -> str:
    """Return the assignments for the value of an option, or for the arguments of a command."""
    found = [one for one in arguments if one.flags == flags]
    words = _quoted(" ".join(word for one in found for word in one.values))
    return f"words={words} files={'yes' if any(one.is_file for one in found) else ''}"


def zsh(commands: Sequence[Command]) -> str:
    """Return the script for zsh."""
    names = " ".join(_quoted(f"{command.name}:{command.help}") for command in commands)
    arguments = [f"        {command.name}) _arguments {' '.join(map(_zsh_argument, command.arguments))} ;;" for command in commands]
    return _ZSH.format(commands=names, arguments="\n".join(arguments))


def _zsh_argument(argument: Argument) -> str:
    values = " ".join(argument.values)
    action = f"_alimock_names_or_files {values}" if values and argument.is_file else f"({values})" if values else ""
    action = action or ("_files" if argument.is_file else " ")
    colons = "::" if argument.is_optional else ":"
    value = "" if argument.is_flag else f"{colons}{_zsh_text(argument.placeholder)}:{action}"
    repeated = "*" if argument.is_repeated else ""
    if not argument.flags:
        return _quoted(f"{repeated}{value}")
    sign = "" if argument.is_flag else "="
    return " ".join(_quoted(f"{repeated}{flag}{sign}[{_zsh_text(argument.help)}]{value}") for flag in argument.flags)


def _zsh_text(text: str) -> str:
    for character in "\\:[]":
        text = text.replace(character, f"\\{character}")
    return text


def fish(commands: Sequence[Command]) -> str:
    """Return the script for fish."""
    lines = []
    for command in commands:
        lines.append(f"complete -c alimock -n __fish_use_subcommand -a {command.name} -d {_fish_quoted(command.help)}")
        start = f"complete -c alimock -n '__fish_seen_subcommand_from {command.name}'"
        lines += [f"{start} {_fish_argument(one)}" for one in command.arguments]
    return _FISH + "".join(f"{line}\n" for line in lines)


def _fish_argument(argument: Argument) -> str:
    flags = [f"-l {flag[2:]}" if flag.startswith("--") else f"-s {flag[1:]}" for flag in argument.flags]
    takes = [] if argument.is_flag or not flags else ["-r"]
    files = ["-F"] if argument.is_file else ["-f"]
    values = ["-a", _fish_quoted(" ".join(argument.values))] if argument.values else []
    return " ".join([*flags, *takes, *files, *values, "-d", _fish_quoted(argument.help)])


def _fish_quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _quoted(text: str) -> str:
    """Return a text as one word for bash and zsh."""
    escaped = text.replace("'", "'\\''")
    return f"'{escaped}'"
