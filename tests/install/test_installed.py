#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What an installed tree holds, and that a plugin needs nothing else of Lucius."""
import collections
import pathlib
import re
import shutil
import unittest

from installed import SOURCE, Installed


class Tree(Installed):
    def test_everything_that_users_and_plugins_need_is_there(self):
        wanted = ["bin/luciusd", "bin/lucius-consumer", "bin/lucius-plugin-check",
                  "libexec/lucius/lucius-handler-ocr", "etc/lucius/lucius.conf",
                  "etc/lucius/protocols.json", "etc/lucius/schemas/steps/ocr.v1.json",
                  "share/lucius/openapi.json", "share/lucius/lucius-plugin.map",
                  "share/lucius/template/storage/meson.build",
                  "share/doc/lucius/plugin-tutorial.md", "share/doc/lucius/plugin-abi.md",
                  "share/man/man8/luciusd.8", "share/man/man5/lucius.conf.5",
                  "share/man/man1/lucius-plugin-check.1", "share/man/man1/lucius-consumer.1",
                  "share/man/man7/lucius-plugin.7"]
        wanted += [f"include/lucius/{path.name}" for path in
                   (SOURCE / "include/lucius").glob("*.h")]
        self.assertEqual([name for name in wanted if not (self.prefix / name).is_file()], [])

    def test_pkg_config_knows_the_directories_and_the_abi(self):
        version = self.said(["luciusd", "--version"])
        numbers = [self.said(["pkg-config", f"--variable=abi_{name}", "lucius"])
                   for name in ("major", "minor")]
        self.assertTrue(version.endswith(f"plugin ABI {'.'.join(numbers)}"), version)
        listed = {line.split()[0] for line in
                  self.said(["luciusd", "--list-plugins"]).splitlines()}
        self.assertEqual(listed, {path.stem for path in self.plugins.glob("*.so")})
        self.assertIn("storage-memory", listed)

    def test_a_moved_tree_finds_its_plugins_and_files(self):
        moved = self.folder / "moved"
        shutil.copytree(self.prefix, moved, symlinks=True)
        said = self.said([str(moved / "bin/luciusd"), "--check-config"])
        self.assertIn(f"LUCIUS_PLUGINS_DIR = {moved.resolve()}/", said)

    def test_each_header_compiles_alone_as_installed(self):
        flags = self.said(["pkg-config", "--cflags", "lucius"]).split()
        for header in sorted((self.prefix / "include/lucius").glob("*.h")):
            for compiler, standard, suffix in (("cc", "c11", "c"), ("cc", "c17", "c"),
                                               ("c++", "c++17", "cc")):
                source = self.folder / f"alone.{suffix}"
                source.write_text(f"#include <lucius/{header.name}>\nint main(void) {{ return 0; }}\n")
                self.ran([compiler, f"-std={standard}", "-pedantic", "-Wall", "-Wextra", "-Werror",
                          *flags, "-c", "-o", "/dev/null", str(source)])

    def test_a_plugin_is_built_by_one_line_of_the_compiler_too(self):
        folder = self.copy_template("storage")
        flags = self.said(["pkg-config", "--cflags", "--libs", "lucius-rows"]).split()
        sources = [path.name for path in folder.glob("*.c")]
        self.ran(["cc", "-shared", "-fPIC", "-Wall", "-Werror", *sources, *flags,
                  "-o", "storage-mine.so"], cwd=folder)
        said = self.said(["lucius-plugin-check", "--no-suite", "storage-mine.so"], cwd=folder)
        self.assertTrue(said.startswith("storage-mine 1, ABI "), said)


class Check(Installed):
    """lucius-plugin-check on files that are wrong."""

    def test_symbols_beside_the_one_are_named_with_the_remedy(self):
        folder = self.copy_template("storage")
        flags = [flag for flag in
                 self.said(["pkg-config", "--cflags", "--libs", "lucius-rows"]).split()
                 if "version-script" not in flag]
        sources = [path.name for path in folder.glob("*.c")]
        self.ran(["cc", "-shared", "-fPIC", *sources, *flags, "-o", "storage-mine.so"], cwd=folder)
        said = self.ran(["lucius-plugin-check", "storage-mine.so"], expected=1, cwd=folder).stdout
        self.assertRegex(said, r"exports \d+ symbols beside 'lucius_plugin' \('\w+', .*`pkg-config")
        self.assertNotIn("passed", said)

    def test_a_file_that_others_may_write_is_refused_as_by_the_daemon(self):
        open_file = self.plugins / "storage-open.so"
        shutil.copy(self.plugins / "storage-memory.so", open_file)
        self.addCleanup(open_file.unlink)
        open_file.chmod(0o777)
        checked = self.ran(["lucius-plugin-check", str(open_file)], expected=1).stdout
        started = self.ran(["luciusd", "--describe", "storage-open"], expected=None).stdout
        self.assertIn("may be written by others; `chmod o-w", checked)
        self.assertEqual(started, "luciusd: " + checked)

    def test_a_file_that_is_named_otherwise_is_refused(self):
        other = self.folder / "mine.so"
        shutil.copy(self.plugins / "storage-memory.so", other)
        said = self.ran(["lucius-plugin-check", str(other)], expected=1).stdout
        self.assertIn("'mine.so' is no name of a plugin file, which is <kind>-<name>.so", said)

    def test_a_file_that_crashes_while_it_is_loaded_is_told(self):
        source = self.folder / "crash.c"
        source.write_text("#include <stdlib.h>\n"
                          "__attribute__((constructor)) static void crash(void) { abort(); }\n")
        module = self.folder / "storage-crash.so"
        self.ran(["cc", "-shared", "-fPIC", str(source), "-o", str(module)])
        said = self.ran(["lucius-plugin-check", str(module)], expected=1).stdout
        self.assertIn("ended the process that loaded it by signal 6", said)

    def test_a_wrong_call_is_explained(self):
        for arguments in ([], ["--what"], ["storage-x.so", "no-value"]):
            said = self.ran(["lucius-plugin-check", *arguments], expected=2).stdout
            self.assertIn("usage: lucius-plugin-check", said)


class Templates(Installed):
    """Each passes its suite as it is. What a template leaves out is named here, with how many tests that skips."""

    # One process, memory that ends with it, the optional operations for who wants them.
    STORAGE = {"the backend has no list": 5, "the backend keeps no events": 1,
               "the backend is not durable": 3}

    def check(self, name, *arguments, left_out):
        folder = self.copy_template(name)
        lines = [line for line in pathlib.Path(folder, "meson.build").read_text().splitlines()
                 if line and not line.startswith("#")]
        self.assertLessEqual(len(lines), 3)
        module = self.build(folder)
        said = self.said(["lucius-plugin-check", str(module), *arguments])
        self.assertRegex(said.splitlines()[0], r"^\w+-mine 1, ABI ")
        self.assertEqual(collections.Counter(re.findall(r"^skipped: (.*)$", said, re.M)), left_out)
        self.assertRegex(said.splitlines()[-1], r"^\w+ against .*: \d+ passed, 0 failed, "
                         f"{sum(left_out.values())} skipped$")

    def test_storage_passes_conformance_as_it_is(self):
        self.check("storage", left_out=self.STORAGE)

    def test_storage_with_a_thread_passes_conformance_as_it_is(self):
        self.check("storage-async", left_out=self.STORAGE)

    def test_bus_passes_conformance_as_it_is(self):
        self.check("bus", left_out={"the bus tells no limit that a test could exceed": 1,
                                    "the bus lives in the process": 1,
                                    "the bus does not want to know its topics": 1})

    def test_config_passes_conformance_with_its_fixture(self):
        templates = self.said(["pkg-config", "--variable=templatedir", "lucius"])
        self.check("config", "--fixture", f"{templates}/config/fixture.sh",
                   left_out={"the source keeps nothing": 1})


class OutOfTree(Installed):
    """Backends of the tree that are written against the installed SDK alone."""

    def build_alone(self, name):
        """From a copy that has nothing around it, into the installed tree; the .so there."""
        folder = self.folder / f"{self.id().rsplit('.', 1)[1]}-{name}"
        shutil.copytree(SOURCE / "plugins" / name, folder, ignore=shutil.ignore_patterns("tests"))
        self.build(folder / "alone")
        installed = self.plugins / f"{name}.so"
        installed.unlink(missing_ok=True)
        self.ran(["meson", "install", "-C", "build"], cwd=folder / "alone")
        return installed

    def test_sqlite_and_chaos_over_it_hold_what_they_promise(self):
        sqlite = self.build_alone("storage-sqlite")
        chaos = self.build_alone("storage-chaos")
        said = self.said(["lucius-plugin-check", str(sqlite), "sqlite-file={dir}/jobs.db",
                          "--only", "a_new_job_is_kept_whole"])
        self.assertRegex(said, r"storage against .*: 1 passed, 0 failed, 0 skipped")
        said = self.said(["lucius-plugin-check", str(chaos), "chaos-storage=sqlite",
                          "sqlite-file={dir}/jobs.db", "chaos-delay-permille=200",
                          "chaos-delay-ms=3"])
        self.assertRegex(said, r"storage against .*: \d+ passed, 0 failed, 0 skipped")

    def test_faults_are_made_as_often_as_asked(self):
        chaos = self.build_alone("storage-chaos")
        for fault, status in (("unavailable", "UNAVAILABLE"), ("unknown", "UNKNOWN")):
            said = self.ran(["lucius-plugin-check", str(chaos), f"chaos-{fault}-permille=1000",
                             "--only", "kept_whole"], expected=1).stdout
            self.assertIn(f'"create" ended with {status} (Chaos: ', said)


if __name__ == "__main__":
    unittest.main(verbosity=2)
