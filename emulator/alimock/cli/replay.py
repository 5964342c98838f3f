"""`alimock replay`: run the commands again that `alimock serve --log-commands` wrote, and compare the answers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from alimock import __version__
from alimock.cli.command import Parser, fail, parse
from alimock.cli.progress import Progress
from alimock.persistence.recording import Difference, Replay

SHOWN = 20


def parser() -> Parser:
    """Return the parser of the command line."""
    parser = Parser(
        "alimock replay", description="Run a file of --log-commands again. Exit with 1 if an answer is not the recorded one."
    )
    parser.add_argument("file", metavar="FILE", help="file that `alimock serve --log-commands FILE` wrote")
    return parser


def run(arguments: Sequence[str]) -> int:
    """Print each answer that differs; return 0 if there is none, 1 if there are some, 2 if the file is not a recording."""
    replay = Replay(Path(parse(parser(), arguments).file))
    differences = 0
    try:
        with Progress(lambda: f"{replay.commands:,} commands replayed") as progress:
            for difference in replay.differences():
                differences += 1
                if differences <= SHOWN:
                    with progress.hidden():
                        print(_format(difference), flush=True)
    except OSError as error:
        return fail(f"cannot read {error.filename}: {error.strerror}")
    except ValueError as error:
        return fail(str(error))
    if replay.version != __version__:
        print(f"Recorded by alimock {replay.version}, run again by {__version__}.")
    if differences > SHOWN:
        print(f"... and {differences - SHOWN:,} more")
    commands = f"{replay.commands:,} command{'' if replay.commands == 1 else 's'}"
    print(f"{commands}, {differences:,} with another answer" if differences else f"{commands}, all answers the same")
    return 1 if differences else 0


def _format(difference: Difference) -> str:
    lines = (f"line {difference.line}: {difference.command}", f"  recorded: {_text(difference.recorded)}")
    return "\n".join((*lines, f"  replayed: {_text(difference.replayed)}"))


def _text(answer: object) -> str:
    if isinstance(answer, dict):
        return f"{answer.get('status')} {answer.get('code')} [{answer.get('decided_by')}] {answer.get('body')}"
    return json.dumps(answer)
