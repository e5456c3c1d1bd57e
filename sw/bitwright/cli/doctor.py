"""`bitwright doctor`: every tool with its version and place, what is missing, and the remedy."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bitwright.sim.toolchain import Tool


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Report every tool with its version and place, what is missing, and the remedy.

    Exit code 1 if something is missing.
    """
    found = every_tool()
    if as_json:
        typer.echo(json.dumps([asdict(tool) for tool in found], default=str, indent=2))
    else:
        _print(found)
    if not all(tool.ok for tool in found):
        raise typer.Exit(1)


def every_tool() -> "list[Tool]":
    """Return Python, then what simulation and synthesis need, then yosys and nextpnr on PATH."""
    import platform
    import sys
    from pathlib import Path

    from bitwright.sim import toolchain
    from bitwright.synth import tools

    python = toolchain.Tool(
        name="python",
        purpose="runs bitwright",
        version=platform.python_version(),
        path=Path(sys.executable),
        ok=True,
        remedy="",
    )
    native = []
    for program in filter(None, map(tools.find_native, tools.OLDEST)):
        used = tools.is_new_enough(program)
        least = ".".join(str(part) for part in tools.OLDEST[program.name])
        native.append(
            toolchain.Tool(
                name=f"{program.name} (native)",
                purpose="used" if used else f"not used: older than {least}",
                version=program.version,
                path=program.path,
                ok=True,
                remedy="",
            )
        )
    return [python, *toolchain.tools(), *native]


def _print(found: "list[Tool]") -> None:
    from rich.console import Console

    # Plain lines and no table: paths are long, and whoever greps wants them whole.
    console = Console(soft_wrap=True, highlight=False, markup=False)
    names = max(len(tool.name) for tool in found)
    versions = max(len(tool.version or "missing") for tool in found)
    for tool in found:
        version = tool.version or ("unknown" if tool.ok else "missing")
        place = f"{tool.purpose}; {tool.path}" if tool.path else tool.purpose
        line = f"{tool.name:<{names}}  {version:<{versions}}  {place}"
        console.print(line, style=None if tool.ok else "bold red")
    missing = [tool for tool in found if not tool.ok]
    for tool in missing:
        console.print(f"\n{tool.name}: {tool.remedy}", style="bold red")
    if not missing:
        console.print("\nEverything is there.")
