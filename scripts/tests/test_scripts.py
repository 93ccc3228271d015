"""Tests of scripts/chart, check-docs, mutants, release and trips: `python3 -m unittest discover scripts/tests`."""

import importlib.machinery
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as xml
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parent.parent


def load(name):
    sys.dont_write_bytecode = True
    loader = importlib.machinery.SourceFileLoader(name.replace("-", "_"), str(SCRIPTS / name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


chart, check_docs, trips = load("chart"), load("check-docs"), load("trips")


class InFolder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


class Chart(InFolder):
    def results(self, name, cases):
        self.write(f"{name}.json", json.dumps(cases))

    def case(self, name, ratio, peer="by hand"):
        return {"case": name, "ours": ratio, "theirs": 1.0, "ratio": ratio, "unit": "ns", "peer": peer}

    def test_a_case_is_a_bar_and_the_machine_stands_below(self):
        self.results("one", [self.case("get", 1.25), self.case("put <&>", 0.5, "native_db")])
        os.utime(self.root / "one.json", (1_700_000_000, 1_700_000_000))
        groups, days = chart.read(self.root)
        self.assertEqual(groups, {"by hand": [("get", 1.25)], "native_db": [("put <&>", 0.5)]})
        self.assertEqual(days, "2023-11-14")

        drawing = xml.fromstring(chart.draw(groups, f"A Processor, 2 cores, {days}"))
        svg = "{http://www.w3.org/2000/svg}"
        words = [text.text for text in drawing.iter(f"{svg}text")]
        for expected in ["by hand", "get", "1.25", "put <&>", "0.50", "A Processor, 2 cores, 2023-11-14"]:
            self.assertIn(expected, words)
        bars = {rect.get("class"): float(rect.get("width")) for rect in drawing.iter(f"{svg}rect")}
        line = next(line for line in drawing.iter(f"{svg}line") if line.get("class") == "line")
        one = float(line.get("x1")) - chart.NAME
        self.assertAlmostEqual(bars["more"] / one, 1.25, places=2)
        self.assertAlmostEqual(bars["less"] / one, 0.5, places=2)

    def test_the_colour_says_less_about_the_same_or_more(self):
        for ratio, kind in [(0.94, "less"), (0.95, "near"), (1.05, "near"), (1.06, "more")]:
            self.assertIn(f'class="{kind}"', "".join(chart.bar(0, "get", ratio, 100)), ratio)

    def test_several_days_are_a_span(self):
        for name, day in [("a", 1_700_000_000), ("b", 1_700_100_000)]:
            self.results(name, [self.case(name, 1.0)])
            os.utime(self.root / f"{name}.json", (day, day))
        self.assertEqual(chart.read(self.root)[1], "2023-11-14 to 2023-11-16")

    def test_what_was_not_measured_or_counts_upwards_is_left_out(self):
        cases = [{"case": "npm", "not_measured": "no node"}, self.case("records-per-fsync", 4.0), self.case("get", 1.0)]
        self.results("one", cases)
        self.assertEqual(chart.read(self.root)[0], {"by hand": [("get", 1.0)]})

    def test_no_results_are_a_fault_that_says_what_to_run(self):
        with self.assertRaisesRegex(chart.Fault, "no results in .*; run `cargo bench"):
            chart.read(self.root / "missing")
        self.results("one", [{"case": "npm", "not_measured": "no node"}])
        with self.assertRaisesRegex(chart.Fault, "no results"):
            chart.read(self.root)

    def test_a_file_of_another_shape_is_a_fault_that_names_it(self):
        for text in ["{", "7", '[{"case": "get"}]', '[{"case": "get", "peer": "p", "ratio": "1"}]', '[{"case": "get", "peer": "p", "ratio": 0}]']:
            self.write("odd.json", text)
            with self.assertRaisesRegex(chart.Fault, "odd.json is no file of results", msg=text):
                chart.read(self.root)

    def test_the_command_fails_where_there_are_no_results(self):
        environment = {**os.environ, "CARGO_TARGET_DIR": str(self.root)}
        run = subprocess.run([sys.executable, SCRIPTS / "chart"], env=environment, capture_output=True, text=True)
        self.assertEqual(run.returncode, 1)
        self.assertIn("no results in", run.stderr)


class CheckDocs(InFolder):
    def setUp(self):
        super().setUp()
        self.write("Cargo.toml", '[workspace.package]\nrust-version = "1.85"\n')
        self.write("kv-runtime/Cargo.toml", '[package.metadata.rust-version-of-features]\nredb = "1.90"\n')
        self.write("tests/some.rs", "fn is_there() {}")
        self.write("kv-runtime/docs/SUMMARY.md", "# Summary\n\n[Guide](README.md)\n\n- [calls](calls.md)\n")
        self.write("kv-runtime/docs/README.md", "# Guide\n\n- [Calls][calls]\n\n[calls]: calls.md\n")
        self.write("kv-runtime/docs/calls.md", "# Calls\n\n## What can be lost?\n\n## `get` twice\n\n## `get` twice\n")
        self.write("kv-runtime/docs/links.md", "[calls]: crate::guide::calls\n")
        self.write("kv-runtime/src/guide.rs", 'include_str!("../docs/README.md") include_str!("../docs/calls.md")')
        self.write("README.md", "# Name\n\nRust 1.85\n\n| a | b |\n| --- | --- |\n| " + 40 * "x" + " | y |\n")

    def test_a_right_tree_has_no_fault(self):
        self.assertEqual([*check_docs.readme(self.root), *check_docs.guide(self.root)], [])

    def test_the_version_of_a_feature_stands_beside_the_oldest_and_not_in_its_place(self):
        for text, right in [("Rust 1.85, Rust\n1.90", True), ("Rust 1.90", False), ("Rust 1.85, Rust 1.91", False)]:
            self.write("README.md", text)
            self.assertEqual(list(check_docs.readme(self.root)) == [], right, text)

    def test_too_many_words_a_long_cell_and_another_version_are_faults(self):
        self.write("README.md", "rust-1.95 " + 699 * "word " + "\n| " + 41 * "x" + " |\n")
        words, cell, version = check_docs.readme(self.root)
        self.assertRegex(words, "703 words, at most 700")
        self.assertRegex(cell, "README.md:2: a cell of 41 characters")
        self.assertRegex(version, "names Rust 1.95, Cargo.toml declares 1.85")

    def test_a_page_that_is_not_in_the_summary_or_in_rustdoc_is_a_fault(self):
        self.write("kv-runtime/docs/new.md", "# New\n")
        summary, module = check_docs.guide(self.root)
        self.assertEqual(summary, "kv-runtime/docs/SUMMARY.md: no link to new.md")
        self.assertEqual(module, "kv-runtime/src/guide.rs: no module for new.md")

    def test_links_of_the_guide_lead_somewhere_in_rustdoc_too(self):
        for page, links, fault in [
            ("[Calls](calls.md)\n", "", "calls.md:1: (calls.md): write a reference"),
            ("[calls#get-twice]: calls.md#get-twice\n", "", "needs [calls#get-twice]: crate::guide::calls#get-twice"),
            ("[`Kv`]: https://docs.rs/kv-runtime/latest/kv_runtime/struct.Kv.html\n", "", "calls.md needs [`Kv`]"),
            ("", "[`Kv`]: crate::Kv\n", "no page defines [`Kv`]"),
            ("`tests/none.rs`\n", "", "calls.md:1: tests/none.rs: there is no such file"),
            ("`tests/some.rs`: `is_there`,\n`is_gone`\n", "", "calls.md: tests/some.rs has no test is_gone"),
        ]:
            self.write("kv-runtime/docs/calls.md", page)
            self.write("kv-runtime/docs/links.md", "[calls]: crate::guide::calls\n" + links)
            faults = list(check_docs.guide(self.root))
            self.assertEqual(len(faults), 1, (page, faults))
            self.assertIn(fault, faults[0])

    def test_links_lead_to_files_and_headings(self):
        right = ["kv-runtime/docs/calls.md", "kv-runtime/docs", "kv-runtime/docs/calls.md#what-can-be-lost", "kv-runtime/docs/calls.md#get-twice-1", "#here", "https://a.b/c"]
        wrong = {"kv-runtime/docs/none.md": "no such file", "kv-runtime/docs/calls.md#none": "no such heading", "#none": "no such heading", "../..": "leads out"}
        self.write("page.md", "# Here\n" + "".join(f"[x]({link})\n" for link in [*right, *wrong]))
        faults = list(check_docs.links(self.root, Path("page.md")))
        self.assertEqual(len(faults), len(wrong), faults)
        for fault, (link, reason) in zip(faults, wrong.items()):
            self.assertIn(f"{link}: ", fault)
            self.assertIn(reason, fault)

    def test_a_definition_of_a_link_stands_alone(self):
        self.write("page.md", "see [calls][calls]: kv-runtime/docs/calls.md\n\n[calls]: kv-runtime/docs/calls.md\n")
        self.assertEqual(list(check_docs.links(self.root, Path("page.md"))), ["page.md:1: a definition of a link stands alone on its line"])

    def test_a_page_with_hidden_lines_says_how_to_copy_them(self):
        for code in ["```rust\n# fn main() {}\n```\n", "- ```rust,no_run\n  #\n  ```\n"]:
            self.write("kv-runtime/docs/new.md", code)
            (fault,) = check_docs.page(self.root, Path("kv-runtime/docs/new.md"))
            self.assertIn("kv-runtime/docs/new.md: its code has hidden lines", fault)
            self.write("kv-runtime/docs/new.md", check_docs.HIDDEN.replace("take", "\ntake") + "\n\n" + code)
            self.assertEqual(list(check_docs.page(self.root, Path("kv-runtime/docs/new.md"))), [])
        self.write("kv-runtime/docs/new.md", "# New\n\n```sh\n# a comment\n```\n\n```rust\n#[test]\n```\n")
        self.assertEqual(list(check_docs.page(self.root, Path("kv-runtime/docs/new.md"))), [])

    def test_prose_is_wrapped_and_code_tables_and_long_words_are_not(self):
        long = 50 * "a b "
        self.write("kv-runtime/docs/new.md", f"| {long} |\n\n```text\n{long}\n```\n\nhttps://{200 * 'a'}\n`{long}`,\n{long}\n")
        self.assertEqual(list(check_docs.page(self.root, Path("kv-runtime/docs/new.md"))), ["kv-runtime/docs/new.md:9: a line of 200 characters, at most 100"])

    def test_code_holds_no_links(self):
        self.write("page.md", "```rust\na[b](none)\n```\nand `[x](none)`\n")
        self.assertEqual(list(check_docs.links(self.root, Path("page.md"))), [])


class Release(InFolder):
    """scripts/release in a repository with a stand-in for cargo, which writes down how it was called."""

    def setUp(self):
        super().setUp()
        (self.root / "scripts").mkdir()
        for script in ["release", "package"]:
            shutil.copy(SCRIPTS / script, self.root / "scripts" / script)
        self.write("CHANGELOG.md", "# Changelog\n\n## [Unreleased]\n\n## [1.2.3] - 2026-01-31\n")
        self.write(".gitignore", "/bin\n/calls\n/home\n/metadata.json\n")
        self.write("bin/cargo", '#!/bin/sh\nif [ "$1" = metadata ]; then cat metadata.json; else echo "$@" >> calls; fi\n')
        (self.root / "bin/cargo").chmod(0o755)
        self.metadata()
        self.git("init", "--quiet")
        self.commit()

    def metadata(self, runtime="1.2.3", asks="=1.2.3"):
        dependency = {"name": "derive", "req": asks, "kind": None}
        other = {"name": "serde", "req": "^1.0", "kind": None}
        packages = [
            {"name": "derive", "version": "1.2.3", "publish": None, "dependencies": [{"name": "runtime", "req": "*", "kind": "dev"}]},
            {"name": "runtime", "version": runtime, "publish": None, "dependencies": [dependency, other]},
            {"name": "tests", "version": "0.0.0", "publish": [], "dependencies": [{"name": "runtime", "req": "*", "kind": None}]},
        ]
        self.write("metadata.json", json.dumps({"packages": packages}))

    def git(self, *arguments):
        settings = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        run = subprocess.run(["git", *settings, *arguments], cwd=self.root, check=True, capture_output=True, text=True)
        return run.stdout.split()

    def commit(self):
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "all")

    def release(self, *arguments):
        names = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.org"}
        environment = {**os.environ, **names, "CARGO_HOME": str(self.root / "home"), "PATH": f"{self.root / 'bin'}:{os.environ['PATH']}"}
        run = subprocess.run(["scripts/release", *arguments], cwd=self.root, env=environment, capture_output=True, text=True)
        calls = self.root / "calls"
        return run.returncode, run.stdout + run.stderr, calls.read_text() if calls.exists() else ""

    def refuses(self, reason, *arguments):
        code, said, calls = self.release(*arguments)
        self.assertEqual((code, calls), (1, ""), said)
        self.assertIn(reason, said)

    def test_without_a_word_it_publishes_and_tags_nothing(self):
        code, said, calls = self.release()
        packaged = "package --package derive --package runtime\n"
        self.assertEqual((code, calls), (0, packaged + "publish --dry-run --no-verify --package derive --package runtime\n"), said)
        self.assertEqual(self.git("tag"), [])

    def test_what_was_unpacked_of_the_same_version_is_not_built(self):
        for kept in ["src/registry/runtime-1.2.3/Cargo.toml", "cache/registry/runtime-1.2.3.crate", "src/registry/serde-1.0.0/Cargo.toml"]:
            self.write(f"home/registry/{kept}", "")
        self.assertEqual(self.release()[0], 0)
        left = sorted(path.name for path in (self.root / "home/registry").glob("*/registry/*"))
        self.assertEqual(left, ["serde-1.0.0"])

    def test_it_publishes_and_tags_where_it_is_asked_to(self):
        code, said, calls = self.release("--publish")
        packaged = "package --package derive --package runtime\n"
        self.assertEqual((code, calls), (0, packaged + "publish --no-verify --package derive --package runtime\n"), said)
        self.assertEqual(self.git("tag"), ["v1.2.3"])
        self.refuses_again()

    def refuses_again(self):
        (self.root / "calls").unlink()
        self.refuses("the tag v1.2.3 is there already")

    def test_an_unclean_tree_is_refused(self):
        self.write("new", "")
        self.refuses("the tree is not clean")

    def test_versions_that_differ_are_refused(self):
        self.metadata(runtime="1.2.4")
        self.refuses("different versions")
        self.metadata(asks="=1.2.2")
        self.refuses("ask for another version than 1.2.3")

    def test_a_changelog_without_the_version_is_refused(self):
        for changelog in ["## [Unreleased]\n", "## [1.2.3]\n", "## [1x2.3] - 2026-01-31\n"]:
            self.write("CHANGELOG.md", changelog)
            self.commit()
            self.refuses("CHANGELOG.md has no section `## [1.2.3] - YYYY-MM-DD`")

    def test_another_word_is_refused(self):
        self.refuses("usage: scripts/release [--publish]", "--force")


class Trips(unittest.TestCase):
    # A program calls `put`, which calls a closure of itself twice, and the closure a function of another library.
    PROFILE = """\
fl=(1) {root}/benches/trips/src/main.rs
fn=(1) trips::main
10 5
cfi=(2) {root}/kv-store/src/store/ext.rs
cfn=(2) kv_store::StoreExt::put
calls=3 7
11 90

fl=(2)
fn=(2)
7 30
fi=(3) /library/core/src/option.rs
8 6
fe=(2)
cfn=(3) kv_store::StoreExt::put::{{closure}}'2
calls=6 9
9 40

fn=(3)
9 10
cfi=(4) /registry/bytes/src/bytes.rs
cfn=(4) bytes::Bytes::new
calls=6 1
9 30
"""

    def test_closures_count_with_their_function_and_other_libraries_not(self):
        instructions, entered = trips.read(self.PROFILE.replace("{root}", str(trips.ROOT)))
        put = ("kv-store/src/store/ext.rs", "kv_store::StoreExt::put")
        self.assertEqual(instructions, {put: 46})
        self.assertEqual(entered, {put: 9})


class Mutants(unittest.TestCase):
    def test_each_line_names_files_and_tests_that_exist(self):
        root = SCRIPTS.parent
        for line in (SCRIPTS / "mutants.tests").read_text().splitlines():
            if not line or line.startswith("#"):
                continue
            path, _, _, *arguments = line.split()
            self.assertTrue((root / path).exists(), path)
            for option, test in zip(arguments, arguments[1:]):
                if option == "--test":
                    found = [root / "tests" / f"{test}.rs", root / "tests" / test / "main.rs"]
                    self.assertTrue(any(file.exists() for file in found), test)


if __name__ == "__main__":
    unittest.main()
