"""The command line of all commands: help, and short errors with the nearest valid word."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module, metadata

import alimock
import pytest
from alimock.cli.command import Parser
from alimock.cli.main import COMMANDS, main
from command import shown


def test_alimock_alone_prints_the_first_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    printed = capsys.readouterr()
    words = [line.split()[1] for line in printed.out.splitlines() if line.startswith("  alimock ")]
    assert (words, printed.err) == (["serve", "send", "run", "check", "tail"], "")
    assert "`alimock --help` lists all commands" in printed.out


@pytest.mark.parametrize("words", [["help"], ["help", "help"], ["help", "--help"], ["-h"]])
def test_help_lists_all_commands(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    output = shown(capsys, *words)
    assert all(f"\n  {command} " in output for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_and_a_parser_with_short_errors(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    output = shown(capsys, command, "--help")
    assert output.startswith(f"usage: alimock {command} ")
    assert shown(capsys, "help", command) == output
    assert isinstance(import_module(f"alimock.cli.{command.replace('-', '_')}").parser(), Parser)


def test_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, "--version") == f"alimock {alimock.__version__}\n"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("serv", "alimock: unknown command `serv`; did you mean `serve`?"),
        ("nonsense", "alimock: unknown command `nonsense`"),
        ("hlep", "alimock: unknown command `hlep`; did you mean `help`?"),
        ("help serv", "alimock: unknown command `serv`; did you mean `serve`?"),
        ("version", "alimock: unknown command `version`; did you mean `--version`?"),
        ("--versoin", "alimock: unknown option `--versoin`; did you mean `--version`?"),
        ("-x", "alimock: unknown option `-x`"),
        ("serve --prot 80", "alimock serve: unknown option `--prot`; did you mean `--port`?"),
        ("serve --prot=80", "alimock serve: unknown option `--prot=80`; did you mean `--port`?"),
        ("serve -port 80", "alimock serve: unknown option `-port`; did you mean `--port`?"),
        ("serve --max-threads=8", "alimock serve: unknown option `--max-threads=8`"),
        ("serve serve", "alimock serve: unknown argument `serve`"),
        ("serve help", "alimock serve: unknown argument `help`; did you mean `--help`?"),
        ("serve --port", "alimock serve: --port: expected one argument"),
        ("serve --tls 1", "alimock serve: ambiguous option: --tls could match --tls-port, --tls-names, --tls-directory, --tls-certificate, --tls-key"),
        ("serve --auth stric", "alimock serve: --auth: found `stric`, expected one of known-keys, strict, none; did you mean `strict`?"),
        ("serve --watch=maybe", "alimock serve: --watch: found `maybe`, expected one of yes, no"),
        ("scenarios x", "alimock scenarios: unknown argument `x`"),
        ("check", "alimock check: the following arguments are required: SCENARIO"),
        ("env --skd go", "alimock env: unknown option `--skd`; did you mean `--sdk`?"),
        ("env --sdk pyton", "alimock env: --sdk: found `pyton`, expected one of python, python-core, node, java, go, cli; did you mean `python`?"),
        ("export --mbox --secrets", "alimock export: --secrets: not allowed with --mbox"),
        ("export --once=1 --mbox=1", "alimock export: unknown option `--once=1`"),
        ("tail --once=1", "alimock tail: --once: ignored explicit argument '1'"),
        ("ready --wait soon", "alimock ready: --wait: found `soon`, expected a number of seconds from 0"),
        ("ready --wait nan", "alimock ready: --wait: found `nan`, expected a number of seconds from 0"),
        ("ready --wait -1", "alimock ready: --wait: found `-1`, expected a number of seconds from 0"),
    ],
)  # fmt: skip
def test_invalid_command_line_is_reported_in_two_lines(line: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as done:
        main(line.split())
    printed = capsys.readouterr()
    assert (done.value.code, printed.out) == (2, "")
    assert printed.err == f"{message}\nSee `{message.partition(':')[0]} --help`\n"


@pytest.mark.parametrize("line", ["check defualt", "serve --scenario defualt", "run --scenario defualt -- true"])
def test_unknown_scenario_is_reported_with_the_nearest_name(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(line.split()) == 2
    assert capsys.readouterr().err.removeprefix("alimock: ") == (
        "defualt: found no such scenario, expected a built-in scenario (`alimock scenarios` lists them) "
        "or a path with a slash, .yaml, .yml or .json; did you mean `default`?\n"
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "module", "extra"),
    [
        (["ca"], "trustme", "tls"),
        (["serve", "--port", "0", "--tls-port", "0"], "trustme", "tls"),
        (["serve", "--port", "0", "--state", "valkey://h"], "valkey", "valkey"),
    ],
)
def test_missing_package_is_named_with_the_command_that_installs_it(words: list[str], module: str, extra: str) -> None:
    (required,) = [line for line in metadata.requires("alimock") or () if line.endswith(f"extra == '{extra}'")]
    code = f"import sys; sys.modules[{module!r}] = None; from alimock.cli.main import main; sys.exit(main({words!r}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    assert done.stderr.endswith(
        f" needs the package {module}, which is not installed. Run: pip install '{required.partition(';')[0]}'\n"
    )
