"""The build hook that compiles some modules with mypyc. It runs only if it is asked for: see docs/architecture.md.

``python hatch_build.py`` does the same for a checkout.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import tomllib
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).parent
sys.path.insert(0, str(ROOT))  # the package that is built, and no other

from chatroom.compiled_modules import FOLDER, INDEX, digest_of  # noqa: E402 - from that path

HOOK = ("tool", "hatch", "build", "targets", "wheel", "hooks", "custom")


class CompiledModules(BuildHookInterface[Any]):
    """Adds the compiled modules to a wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, unless the wheel only points to a checkout."""
        if version == "editable":
            return
        # In a process of its own, because the compiler changes global state of setuptools.
        self._made = tempfile.mkdtemp(prefix="chatroom-compiled-")
        done = subprocess.run([sys.executable, __file__, self._made], cwd=self.root, check=False)  # noqa: S603 - itself
        if done.returncode:
            shutil.rmtree(self._made, ignore_errors=True)
            sys.exit(done.returncode)  # it has said why; a traceback of this process would hide that
        build_data["pure_python"], build_data["infer_tag"] = False, True
        build_data["force_include"][self._made] = f"chatroom/{FOLDER.name}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove what was compiled: the wheel has it."""
        if version != "editable":
            shutil.rmtree(self._made)


def modules_to_compile() -> list[str]:
    """Return the names of the modules that are compiled."""
    table: Any = tomllib.loads((ROOT / "pyproject.toml").read_text())
    for key in HOOK:
        table = table[key]
    return [f"chatroom.{name}" for name in table["modules"]]


def find_lack() -> str | None:
    """Return what the C compiler lacks on this machine; None if nothing."""
    program = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")[0]
    if shutil.which(program) is None:
        return f"there is no {program}"
    header = Path(sysconfig.get_path("include"), "Python.h")
    return None if header.is_file() else f"there is no {header}"


def is_current(folder: Path) -> bool:
    """True if the folder has the compiled modules of these sources."""
    try:
        index = json.loads((folder / INDEX).read_bytes())
    except FileNotFoundError:
        return False
    digests = {name: digest_of(name) for name in modules_to_compile()}
    return bool(index["python"] == sys.implementation.cache_tag and index["digests"] == digests)


def compile_modules(folder: Path) -> None:
    """Compile the modules into an empty folder, or one that was made so before. From the root of the checkout."""
    from mypyc.build import mypycify
    from setuptools import Distribution

    names = modules_to_compile()
    # Taken first: a source that changes meanwhile is not what is compiled.
    digests = {name: digest_of(name) for name in names}
    paths = [f"{name.replace('.', '/')}.py" for name in names]
    with tempfile.TemporaryDirectory(prefix="chatroom-mypyc-") as scratch:
        # Not with the settings of pyproject.toml: what the modules import need not be installed where they are built.
        options = ["--config-file=", "--ignore-missing-imports", f"--cache-dir={scratch}/cache"]
        extensions = mypycify([*options, *paths], opt_level="2", debug_level="0", multi_file=True, target_dir=scratch)
        for extension in extensions:
            # Compiled functions call each other directly, and not by a table in which another library may replace them.
            extension.extra_compile_args.append("-fvisibility=hidden")
        command: Any = Distribution({"ext_modules": extensions}).get_command_obj("build_ext")
        command.build_lib, command.build_temp = f"{scratch}/lib", f"{scratch}/temp"
        command.ensure_finalized()
        command.run()
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        files = {}
        for extension in extensions:
            built = Path(command.get_ext_fullpath(extension.name))
            files[extension.name] = f"{extension.name}{''.join(built.suffixes)}"
            shutil.copy(built, folder / files[extension.name])
    index = {"python": sys.implementation.cache_tag, "files": files, "digests": digests}
    (folder / INDEX).write_text(json.dumps(index, indent=1) + "\n")


if __name__ == "__main__":
    lack = find_lack()
    if lack is not None:
        sys.exit(
            f"chatroom: cannot compile, {lack}. Install a C compiler and Python's headers (on Debian: gcc and"
            " python3-dev), or unset HATCH_BUILD_HOOKS_ENABLE to install plain Python."
        )
    target = Path(sys.argv[1]).absolute() if sys.argv[1:] else FOLDER
    if not is_current(target):
        compile_modules(target)
