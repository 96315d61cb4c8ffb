# SPDX-License-Identifier: MIT
"""What the build's tools print of options: rows as C, and a page of the manual, whatever the texts hold.
Arguments: print_rows, print_man over the odd plugin's rows, that plugin."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

PRINT_ROWS, PRINT_MAN, PLUGIN = sys.argv[1:4]


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


class PrintTools(unittest.TestCase):
    def test_rows_are_printed_as_c_that_says_the_same(self):
        done = run(PRINT_ROWS, PLUGIN)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn(r'{ "unknown-odd", { .name = "odd-text", .default_value = "\"C:\\odd\"", '
                      r'.summary = ".says \"no\" \\ more", .min = INT64_C(0), .max = INT64_C(0), ',
                      done.stdout)
        self.assertIn(".min = INT64_MIN, .max = INT64_C(9223372036854775807), ", done.stdout)

    def test_file_that_is_no_plugin_ends_the_build_with_its_name(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "nothing.so"
            path.write_text("no library")
            done = run(PRINT_ROWS, PLUGIN, str(path))
            self.assertEqual(done.returncode, 1)
            self.assertIn(str(path), done.stderr)
        done = run(PRINT_ROWS, PRINT_ROWS)
        self.assertEqual(done.returncode, 1)

    def test_library_without_a_plugin_is_named(self):
        done = run(PRINT_ROWS, "libdl.so.2")
        self.assertEqual(done.returncode, 1)
        self.assertIn("lucius_plugin", done.stderr)

    def test_manual_escapes_what_roff_would_take_for_its_own(self):
        done = run(PRINT_MAN)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        lines = done.stdout.splitlines()
        self.assertIn(r'\&.says "no" \e more', lines)
        self.assertIn(r"\&'s a number", lines)
        self.assertIn(r'.Ql """C:\eodd"""', lines)
        self.assertTrue(any(line.endswith("of unknown-odd; live; secret; required.") for line in lines))
        self.assertNotIn("The core has one of this name.", lines)
        self.assertEqual(done.stdout.count('.It Ev "LUCIUS_LOG_LEVEL"'), 1)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]])
