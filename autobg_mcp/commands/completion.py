"""Prints what lets a shell complete commands, tools and their arguments."""

import argparse
import shlex
from collections.abc import Iterable, Mapping
from typing import Any, Final

SUMMARY = "print the completion for a shell: bash, zsh or fish"

_BASH: Final = """\
# for ~/.bashrc: source <(autobg-mcp completion bash)
_autobg_mcp() {{
    local typed=${{COMP_LINE:0:COMP_POINT}} command= tool= word words=
    typed=${{typed##*[[:space:]]}}
    for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
        if [[ $word == -* ]]; then continue; fi
        if [[ -z $command ]]; then command=$word; elif [[ -z $tool ]]; then tool=$word; fi
    done
    case $command/$tool in
{cases}
    esac
    COMPREPLY=($(compgen -W "$words" -- "$typed"))
    if [[ ${{#COMPREPLY[@]}} == 1 && ${{COMPREPLY[0]}} == *= ]]; then compopt -o nospace 2>/dev/null; fi
    if [[ $typed == *=* && $COMP_WORDBREAKS == *=* ]]; then COMPREPLY=("${{COMPREPLY[@]#"${{typed%%=*}}="}}"); fi
}}
complete -o default -F _autobg_mcp autobg-mcp
"""

_ZSH: Final = """\
#compdef autobg-mcp
# for ~/.zshrc, behind compinit: source <(autobg-mcp completion zsh)
_autobg_mcp() {{
    local command= tool= word
    local -a found
    for word in "${{(@)words[2,CURRENT-1]}}"; do
        [[ $word == -* ]] && continue
        if [[ -z $command ]]; then command=$word; elif [[ -z $tool ]]; then tool=$word; fi
    done
    case $command/$tool in
{cases}
    esac
    compadd -- "${{(@)found:#*=}}"
    compadd -S '' -- "${{(@M)found:#*=}}"
    if [[ $PREFIX == *=* ]]; then compset -P '*=' && _files; fi
}}
if [[ $funcstack[1] == _autobg_mcp ]]; then _autobg_mcp "$@"; else compdef _autobg_mcp autobg-mcp; fi
"""

_FISH: Final = """\
# for ~/.config/fish/config.fish: autobg-mcp completion fish | source
function __autobg_mcp_at
    set -l typed (commandline -opc)
    set -l plain (string match -v -- '-*' $typed[2..-1])
    set -l at (string join / -- $plain[1..2])
    test "$at" = "$argv[1]"
end
{cases}
"""


def declare(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("shell", metavar="SHELL", choices=["bash", "zsh", "fish"], help="bash, zsh or fish")


def run(options: argparse.Namespace) -> int:
    """Print the script, which knows what there is now and calls nobody."""
    print(_SCRIPTS[options.shell](_known(options.whole)), end="")
    return 0


def _known(whole: argparse.ArgumentParser) -> dict[str, list[str]]:
    """What may come next, by what stands before it: nothing, a command, or a command and its first word."""
    from autobg_mcp.hosts.table import HOSTS
    from autobg_mcp.tools.offer import prepared

    commands = next(action for action in whole._actions if isinstance(action, argparse._SubParsersAction))  # noqa: SLF001  # argparse tells it nowhere else
    known = {"": [*commands.choices, *_flags(whole)]}
    for name, command in commands.choices.items():
        choices = [str(one) for action in command._actions for one in action.choices or ()]  # noqa: SLF001
        known[name] = [*choices, *_flags(command)]
    known["config"] += HOSTS
    call = commands.choices["call"]
    known["call"] += prepared()
    for name, tool in prepared().items():
        schema: Mapping[str, Any] = tool.listed["inputSchema"]  # type: ignore[assignment]  # we wrote it
        known[f"call/{name}"] = [*_pairs(schema["properties"]), *_flags(call)]
    return known


def _flags(parser: argparse.ArgumentParser) -> list[str]:
    return [action.option_strings[-1] for action in parser._actions if action.option_strings]  # noqa: SLF001


def _pairs(properties: Mapping[str, Mapping[str, Any]]) -> Iterable[str]:
    """`name=` of each argument, and `name=value` of what it may be where no value has blanks."""
    for name, of in properties.items():
        values = of.get("enum", ["true", "false"] if of["type"] == "boolean" else [])
        whole = [f"{name}={value}" for value in values if " " not in value]
        yield from whole if values and len(whole) == len(values) else [f"{name}=", *whole]


def _pattern(before: str) -> str:
    """What stands before as a pattern of `command/tool`."""
    if before in ("", "call"):
        return f"{before}/"
    return before if "/" in before else f"{before}/*"


def _bash(known: Mapping[str, list[str]]) -> str:
    cases = (
        f"        {_pattern(at)}) words={shlex.quote(' '.join(words))} ;;" for at, words in known.items()
    )
    return _BASH.format(cases="\n".join(cases))


def _zsh(known: Mapping[str, list[str]]) -> str:
    cases = (
        f"        {_pattern(at)}) found=({' '.join(map(shlex.quote, words))}) ;;"
        for at, words in known.items()
    )
    return _ZSH.format(cases="\n".join(cases))


def _fish(known: Mapping[str, list[str]]) -> str:
    lines = (
        f"complete -c autobg-mcp {'' if '/' in at else '-f '}-n '__autobg_mcp_at \"{at}\"' -a {shlex.quote(' '.join(words))}"
        for at, words in known.items()
    )
    return _FISH.format(cases="\n".join(lines))


_SCRIPTS: Final = {"bash": _bash, "zsh": _zsh, "fish": _fish}
