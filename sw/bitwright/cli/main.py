"""The command line: registers the subcommands and turns their errors into one clear line.

A subcommand is a module of this package with one function that parses and prints; it imports what
it needs inside the function, so that `bitwright --help` is instant and runs where torch is absent.
"""

import importlib.metadata
import os
import sys
from typing import Annotated

import typer

from bitwright.cli import (
    check,
    compile,
    compress,
    demo,
    doctor,
    estimate,
    formats,
    report,
    simulate,
    synth,
    verify,
    verilog,
    waves,
    zoo,
)

DEBUG = "BITWRIGHT_DEBUG"
USER_ERROR = 2
"""Exit code when a file, an option or a tool is at fault; 1 means that a check found something."""

_EXTRAS = {
    "torch": "torch",
    "amaranth": "hw",
    "sklearn": "demo",
    "matplotlib": "demo",
    "jinja2": "demo",
    "vcd": "demo",
}

app = typer.Typer(
    name="bitwright",
    help="From a trained network to an accelerator whose every bit is proved.",
    epilog=f"{DEBUG}=1 shows the traceback of an error.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("demo")(demo.demo)
app.command("doctor")(doctor.doctor)
app.command("formats")(formats.formats)
app.command("check")(check.check)
app.command("compress")(compress.compress)
app.command("compile")(compile.compile)
app.command("verify")(verify.verify)
app.command("report")(report.report)
app.command("sim")(simulate.sim)
app.command("waves")(waves.waves)
app.command("verilog")(verilog.verilog)
app.command("synth")(synth.synth)
app.command("estimate")(estimate.estimate)
app.command("zoo")(zoo.zoo)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"bitwright {importlib.metadata.version('bitwright')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_print_version, help="Show the version."),
    ] = False,
) -> None:
    pass


def main(argv: list[str] | None = None) -> int:
    """Run one command line (`sys.argv` if None) and return its exit code.

    0: done. 1: a check found something. 2: the user or the machine must change something; one line
    on stderr says what. Any other exception is a fault of ours and keeps its traceback.
    """
    try:
        app(args=argv, prog_name="bitwright")
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 0
    except Exception as error:
        message = describe(error)
        if message is None or os.environ.get(DEBUG):
            raise
        print(f"bitwright: error: {message}", file=sys.stderr)
        return USER_ERROR
    return 0


def describe(error: Exception) -> str | None:
    """Return what to tell the user about an error, or None if it is a fault of ours.

    >>> describe(FileNotFoundError(2, "No such file or directory", "net.bw"))
    'net.bw: No such file or directory'
    """
    if isinstance(error, ModuleNotFoundError):
        extra = _EXTRAS.get((error.name or "").partition(".")[0])
        return extra and f"{error.name} is needed and not installed; `make env` installs it"
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    # Our own errors need no common base: they are recognised by where they are defined.
    ours = type(error).__module__.startswith("bitwright.")
    return str(error) if ours or isinstance(error, ValueError | OSError) else None
