# SPDX-License-Identifier: MIT
"""An installed tree in a directory of its own, and commands that see it and nothing else of Lucius."""
import glob
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

BUILD = os.environ["LUCIUS_TEST_BUILD_ROOT"]
SOURCE = pathlib.Path(os.environ["LUCIUS_TEST_SOURCE"])
BOUND = 300  # seconds that a command may take


class Installed(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="lucius-install-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        subprocess.run(["meson", "install", "--no-rebuild", "--quiet", "-C", BUILD,
                        "--destdir", str(cls.folder / "tree")], check=True, capture_output=True)
        [binary] = glob.glob(f"{cls.folder}/tree/**/bin/luciusd", recursive=True)
        cls.prefix = pathlib.Path(binary).parent.parent
        [package] = glob.glob(f"{cls.prefix}/**/lucius.pc", recursive=True)
        cls.environment = {k: v for k, v in os.environ.items()
                           if not k.startswith(("LUCIUS_", "SERVICEBUS_", "MESON", "CFLAGS"))}
        cls.environment |= {"PATH": f"{cls.prefix}/bin:{os.environ['PATH']}",
                            "PKG_CONFIG_PATH": str(pathlib.Path(package).parent),
                            "HOME": str(cls.folder), "LANG": "C.UTF-8"}
        cls.plugins = pathlib.Path(cls.said(["pkg-config", "--variable=plugindir", "lucius"])).resolve()

    @classmethod
    def said(cls, command, **more):
        return cls.ran(command, **more).stdout.strip()

    @classmethod
    def ran(cls, command, expected=0, cwd=None, environment=None):
        done = subprocess.run(command, cwd=cwd or cls.folder, text=True, timeout=BOUND, check=False,
                              env=cls.environment | (environment or {}), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if expected is not None and done.returncode != expected:
            raise AssertionError(f"{command}: exit {done.returncode}, expected {expected}:\n"
                                 f"{done.stdout[-6000:]}")
        return done

    def build(self, folder, *arguments):
        """Sets up and compiles what lies in the folder, warnings being errors; the .so."""
        self.ran(["meson", "setup", "build", "-Dwerror=true", "-Dwarning_level=3", *arguments],
                 cwd=folder)
        self.ran(["meson", "compile", "-C", "build"], cwd=folder)
        [module] = (folder / "build").glob("*.so")
        return module

    def copy_template(self, name):
        folder = self.folder / f"copy-{self.id().rsplit('.', 1)[1]}-{name}"
        templates = self.said(["pkg-config", "--variable=templatedir", "lucius"])
        shutil.copytree(pathlib.Path(templates) / name, folder)
        return folder
