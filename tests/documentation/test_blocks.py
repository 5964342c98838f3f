"""Every block of code in the documentation runs, is a part of a file that runs, or says why it does not."""

from __future__ import annotations

import contextlib
import io
import os
import re
import select
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from alimock.scenario import loader
from conftest import Running
from documentation.pages import ALL_BLOCKS, PAGES, ROOT, Block, page_name

ENDPOINT = "127.0.0.1:2546"
# Output, not code.
OUTPUT = ("text", "")
_EXAMPLE = re.compile(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)

FREE = [block for block in ALL_BLOCKS if not block.directive]
SCENARIOS = [block for block in FREE if block.language == "yaml" and re.search("^alimock: 1$", block.text, re.MULTILINE)]
COMMANDS = [block for block in FREE if block.language == "sh"]
SCRIPTS = [block for block in FREE if block.language == "python" and not block.file_name and not block.is_test]
CONSOLES = {block.page for block in FREE if block.language == "console"}
PROJECTS = {block.page for block in FREE if block.file_name or block.is_test}


def normalize(output: str) -> str:
    """Replace ids, times and durations, which differ from run to run."""
    output = re.sub(r"[0-9A-F]{8}-[0-9A-F]{4}-5[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}", "REQUEST-ID", output)
    output = re.sub(r"\b(?:[0-9a-f]{32}|[0-9a-f]{22})\b", "HEX", output)
    output = re.sub(r"\b20(?:2[6-9]|[3-9]\d)-\d\d-\d\d([ T])\d\d:\d\d:\d\d(\.\d{3}Z)?", r"NOW\1\2", output)
    output = re.sub(r"\bin \d+\.\d\ds\b", "in 0.00s", output)
    return re.sub(r"\.\d{3}Z", ".000Z", output).strip()


def environ(running: Running) -> dict[str, str]:
    """Return the variables of a user whose shell finds alimock and the emulator. Another emulator gets a free port."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("ALIMOCK_", "PYTEST_"))}
    return {
        **own,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "ALIMOCK_URL": running.url,
        "ALIMOCK_PORT": "0",
    }


def run_in_bash(script: str, running: Running, folder: Path, seconds: float = 60) -> str:
    """Run commands, and return their output. Afterwards, end what they started, such as `alimock serve`."""
    command = ["bash", "-euo", "pipefail", "-c", script.replace(ENDPOINT, running.endpoint)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, cwd=folder, env=environ(running), text=True, start_new_session=True, **pipes) as process:
        try:
            output, errors = process.communicate(timeout=seconds)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 0, errors
    return str(output).replace(running.endpoint, ENDPOINT)


def write_files(page: Path, folder: Path) -> None:
    """Write the files of a page, and copy those that it quotes; a later block of the same name continues the file."""
    for number, block in enumerate(block for block in ALL_BLOCKS if block.page == page):
        if block.directive == "file":
            shutil.copy(ROOT / block.argument, folder)
        if block.directive:
            continue
        name = block.file_name or (f"test_block_{number}.py" if block.is_test else None)
        if name is not None:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a") as file:
                file.write(block.text)


@pytest.mark.parametrize("block", ALL_BLOCKS, ids=str)
def test_block_is_run_or_says_why_not(block: Block) -> None:
    runs = block in (*SCENARIOS, *COMMANDS, *SCRIPTS) or block.language == "console" or block.file_name or block.is_test
    assert block.directive or block.language in OUTPUT or runs, "add `<!-- file: PATH -->` or `<!-- not run: REASON -->`"


@pytest.mark.parametrize("block", [block for block in ALL_BLOCKS if block.directive == "file"], ids=str)
def test_block_is_a_part_of_its_file(block: Block) -> None:
    assert block.text.strip() in (ROOT / block.argument).read_text(encoding="utf-8")


@pytest.mark.parametrize("block", SCENARIOS, ids=str)
def test_scenario_loads(block: Block) -> None:
    assert loader.load_text(block.text.encode(), file=str(block))


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash on this machine")
@pytest.mark.parametrize("block", COMMANDS, ids=str)
def test_commands_succeed(block: Block, running: Running, tmp_path: Path) -> None:
    write_files(block.page, tmp_path)
    run_in_bash(block.text, running, tmp_path)


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash on this machine")
@pytest.mark.parametrize("page", sorted(CONSOLES), ids=page_name)
def test_commands_print_the_documented_output(page: Path, running: Running, tmp_path: Path) -> None:
    write_files(page, tmp_path)
    session = "".join(block.text for block in FREE if block.page == page and block.language == "console")
    examples = _EXAMPLE.findall(session)
    script = "\n".join(f"{command}\necho '<END>'" for command, _ in examples)
    outputs = run_in_bash(script, running, tmp_path).split("<END>\n")
    for (command, expected), actual in zip(examples, outputs, strict=False):
        assert normalize(actual) == normalize(expected), command


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("block", SCRIPTS, ids=str)
def test_python_prints_the_documented_output(block: Block, running: Running) -> None:
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(block.text.replace(ENDPOINT, running.endpoint), {"__name__": "__main__"})
    expected = re.findall(r"print\(.*\)  # (.*)", block.text)
    assert output.getvalue().splitlines() == expected


@pytest.mark.parametrize("page", sorted(PROJECTS), ids=page_name)
def test_tests_of_the_page_pass(page: Path, pytester: pytest.Pytester) -> None:
    write_files(page, pytester.path)
    result = pytester.runpytest_subprocess("-p", "no:hypothesispytest", "-p", "no:schemathesis")
    outcomes = result.parseoutcomes()
    assert outcomes.get("passed") and set(outcomes) <= {"passed", "warning", "warnings"}, result.stdout.str()


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash on this machine")
@pytest.mark.parametrize(
    ("last", "expected"),
    [("true", contextlib.nullcontext()), ("wait", pytest.raises(subprocess.TimeoutExpired))],
    ids=["commands end", "commands do not end"],
)
def test_processes_of_a_page_end_with_it(
    last: str, expected: contextlib.AbstractContextManager[object], running: Running, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    writer = os.open(tmp_path / "pipe", os.O_WRONLY)
    with expected:
        run_in_bash(f"exec 3>pipe; sleep 60 >&3 2>&3 & exec 3>&-; {last}", running, tmp_path, seconds=0.5 if last == "wait" else 60)
    os.close(writer)
    try:
        # The pipe ends when no process has it open for writing.
        assert select.select([reader], [], [], 10)[0] and os.read(reader, 1) == b""
    finally:
        os.close(reader)


def test_pages_are_found() -> None:
    assert {"README.md", "docs/tutorial.md", "docs/how-to/pytest.md"} <= {page_name(page) for page in PAGES}
