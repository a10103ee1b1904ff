"""The command line as a shell uses it: fast help, the version, completion, signals."""

import os
import resource
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

import r2n2

SLOW = {"torch", "numpy", "PIL", "trimesh", "skimage", "tqdm", "rich", "triton", "convrnn3d"}
HELP = """
import sys
from typer.main import get_command
from r2n2.commands.cli import app

def show(command, names):
    try:
        app([*names, "--help"], prog_name="r2n2")
    except SystemExit as end:
        assert end.code == 0, names
    for name, below in getattr(command, "commands", {}).items():
        show(below, [*names, name])

show(get_command(app), [])
print("modules", *sys.modules)
"""


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments]
    return subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=True)


def test_no_commands_help_imports_slow_packages() -> None:
    text, _, modules = run("-c", HELP).stdout.rpartition("modules")
    assert text.count("Usage: r2n2") > 10
    assert {name.split(".")[0] for name in modules.split()} & SLOW == set()


def test_h_prints_the_help_of_any_command() -> None:
    for command in ((), ("data", "pack")):
        assert run("-m", "r2n2", *command, "-h").stdout == run("-m", "r2n2", *command, "--help").stdout


def test_help_takes_less_than_0_3_seconds_of_cpu_time() -> None:
    """The best of five runs in CPU time, so that other programs on the machine do not count."""
    seconds = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        run("-m", "r2n2", "--help")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(seconds) < 0.3, seconds


def test_version_option_prints_the_package_version() -> None:
    assert run("-m", "r2n2", "--version").stdout == f"r2n2 {r2n2.__version__}\n"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("r2n2 rec", ["reconstruct"]),
        ("r2n2 data sh", ["shapes", "sheet"]),
        ("r2n2 train --net", ["--network"]),
        ("r2n2 train --network res", ["res3d-gru-3"]),
    ],
)
def test_bash_completes_commands_options_and_values(words: str, expected: list[str]) -> None:
    """Ask for completions as the function printed by --show-completion does."""
    program = "from r2n2.commands.cli import main; import sys; sys.argv[0] = 'r2n2'; main()"
    place = str(words.count(" "))
    answer = run("-c", program, COMP_WORDS=words, COMP_CWORD=place, _R2N2_COMPLETE="complete_bash").stdout
    assert answer.split() == expected


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_can_be_shown_and_installed(shell: str, tmp_path: Path) -> None:
    program = (
        f"import shellingham; shellingham.detect_shell = lambda: ({shell!r}, {shell!r});"
        "from r2n2.commands.cli import main; import sys; sys.argv[0] = 'r2n2'; main()"
    )
    assert "_R2N2_COMPLETE" in run("-c", program, "--show-completion").stdout
    assert f"{shell} completion installed in" in run("-c", program, "--install-completion", HOME=str(tmp_path)).stdout
    assert any("_R2N2_COMPLETE" in file.read_text() for file in tmp_path.rglob("*") if file.is_file())


def heeding(number: signal.Signals, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    heed = partial(signal.signal, number, signal.SIG_DFL)  # a shell's background job would ignore Ctrl-C
    environment = os.environ | environment
    command = sys.executable, *command
    return subprocess.run(command, env=environment, preexec_fn=heed, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("module", ["typer", "torch"])
def test_a_signal_during_an_import_ends_the_program(module: str, number: signal.Signals, tmp_path: Path) -> None:
    """Even if the module swallows the exception, as the imports of NumPy, SciPy and PyTorch do."""
    swallow = f"import os\ntry:\n    os.kill(os.getpid(), {number:d})\nexcept BaseException:\n    pass\n"
    (tmp_path / f"{module}.py").write_text(swallow)
    path = os.pathsep.join([str(tmp_path), *sys.path])
    result = heeding(number, "-m", "r2n2", "networks", PYTHONPATH=path)
    assert (result.returncode, result.stdout, result.stderr) == (128 + number, "", "")


def test_ctrl_c_while_the_commands_are_built_ends_the_program_silently() -> None:
    late = "import os, signal, typer.main\n"
    late += "typer.main.get_command = lambda *_: os.kill(os.getpid(), signal.SIGINT)\n"
    program = f"{late}from r2n2.__main__ import main; main()"
    result = heeding(signal.SIGINT, "-c", f"import signal; signal.signal(2, signal.default_int_handler)\n{program}")
    assert (result.returncode, result.stdout, result.stderr) == (-signal.SIGINT, "", "")


def test_a_deleted_current_folder_is_reported(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    program = "import os; os.rmdir(os.getcwd()); from r2n2.__main__ import main; main()"
    command = [sys.executable, "-P", "-c", program, "networks"]
    result = subprocess.run(command, cwd=tmp_path / "gone", capture_output=True, text=True)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == "r2n2: The current folder was deleted; change into one that exists.\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has /dev/full")
def test_a_full_standard_output_is_reported() -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "r2n2", "networks"]
        result = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert result.returncode == 2
    assert "r2n2: Cannot write to standard output, or to an open file: No space left on device." in result.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_write_interrupted_by_a_signal_leaves_no_file(number: signal.Signals, tmp_path: Path) -> None:
    program = f"""
import os
from r2n2.__main__ import main
from r2n2.commands import cli
from r2n2.files import written_beside

def write():
    with written_beside("shape.obj") as path:
        path.write_text("half")
        os.kill(os.getpid(), {number:d})

cli.app = write
os.chdir({str(tmp_path)!r})
main()
"""
    result = heeding(number, "-c", program)
    ended = -number if number == signal.SIGINT else 128 + number  # Ctrl-C is passed on to the shell as a signal
    assert result.returncode == ended, result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("echo", "printed"), [(60, "cleared away\n"), (0, "")])
def test_a_second_sigterm_within_echo_seconds_spares_the_cleanup(echo: float, printed: str) -> None:
    """`timeout` sends one to the program and another to its process group; a later one does interrupt."""
    program = f"""
import os
from r2n2 import __main__
from r2n2.commands import cli

def work():
    try:
        os.kill(os.getpid(), {signal.SIGTERM:d})
    finally:
        os.kill(os.getpid(), {signal.SIGTERM:d})
        print("cleared away")

cli.app, __main__.ECHO = work, {echo}
__main__.main()
"""
    result = heeding(signal.SIGTERM, "-c", program)
    assert (result.returncode, result.stdout, result.stderr) == (128 + signal.SIGTERM, printed, "")


def test_a_forked_process_ends_on_sigterm_at_once() -> None:
    """Otherwise it would clean up its parent's files, and a pool worker would take SystemExit for its task's result."""
    program = """
import os, signal, time
from r2n2.__main__ import main
from r2n2.commands import cli

def wait():
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writing, b"ready")
            time.sleep(30)
        finally:
            print("cleared away", flush=True)
    os.read(reading, 5)
    os.kill(child, signal.SIGTERM)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))

cli.app = wait
main()
"""
    assert heeding(signal.SIGTERM, "-c", program).stdout == "143\n"
