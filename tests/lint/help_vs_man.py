"""--help and the man page have the same options; README's two commands exist.

    help_vs_man.py BINDIR
"""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import project
from project import Finding

# In a list of --help the options of one entry stand in front: "  -m,--mtu BYTES ...".
PUNCTUATION = (",", ".", ":", ";", "|", "(", ")", "?", "!")  # of mdoc(7), as a word of its own
HELP_ENTRY = re.compile(r"^\s+((?:-\w,\s?)?--[a-z][a-z0-9-]*|-\w)\b", re.MULTILINE)
# A line of the table of commands, which it prints, too: "  show       say how tunnels are".
# Several that belong together have one: "  exec, shell run ...".
COMMAND_ENTRY = re.compile(r"^  ([a-z][a-z-]*(?:, [a-z][a-z-]*)*) +\S", re.MULTILINE)
README_COMMANDS = ("examples/quickstart.sh", "tests/run.sh")
PAGES = "wg4netns/wireguard4netns*.[15]"
# Where some of the main page's options have their place: those of commands that run a tunnel, too.
MORE_PAGES = (
    "wg4netns/wireguard4netns-observe.1",
    "wg4netns/wireguard4netns-oci-hook.1",
    "wg4netns/wireguard4netns-run.1",
)
OTHER_PROGRAMS = ("wg",)  # commands that become one, whose --help is theirs


@dataclasses.dataclass(frozen=True)
class Program:
    name: str
    page: str
    more_pages: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()  # each with a --help of its own, and its options in these pages
    others: tuple[str, ...] = ()  # in the page by name alone


def commands_of(help_text: str) -> list[str]:
    """The program's own table."""
    table = help_text.partition("Commands with a --help of their own:\n")[2].partition("\n\n")[0]
    return [name for names in COMMAND_ENTRY.findall(table) for name in names.split(", ")]


def programs_of(help_text: str, root: Path) -> list[Program]:
    """The program without a command, each command that has a page, and the helper."""
    shared, alone, others = [], [], []
    for command in commands_of(help_text):
        page = f"wg4netns/wireguard4netns-{command}.1"
        if command in OTHER_PROGRAMS:
            others.append(command)
        elif page in MORE_PAGES or not (root / page).is_file():
            shared.append(command)
        else:
            others.append(command)
            alone.append(Program(f"wireguard4netns {command}", page))
    main = ("wireguard4netns", "wg4netns/wireguard4netns.1", MORE_PAGES)
    helper = Program("wg4netns-helper", "netns-helper/wg4netns-helper.1")
    container = Program("wg4netns-container", "netns-helper/wg4netns-container.1")
    return [Program(*main, tuple(shared), tuple(others)), *alone, helper, container]


def with_groups(bindir: Path, programs: list[Program]) -> list[Program]:
    """A command may be a table of commands, which it prints as the program does."""

    def with_own(program: Program) -> Program:
        inner = commands_of(explained([str(bindir / program.name.split()[0]), *program.name.split()[1:]]))
        return dataclasses.replace(program, commands=program.commands + tuple(inner))

    return [with_own(program) if " " in program.name else program for program in programs]


def options_of_help(text: str) -> set[str]:
    return {option for entry in HELP_ENTRY.findall(text) for option in re.split(r",\s?", entry)}


def options_of_page(source: str) -> set[str]:
    """The arguments of Fl macros: ".It Fl c , Fl -configure" and ".Fl c | -configure" have both."""
    options = set()
    for line in source.splitlines():
        macro = ""
        for word in line[1:].split() if line.startswith(".") else []:
            if re.fullmatch("[A-Z][a-z]", word):
                macro = word
            elif macro == "Fl" and word not in PUNCTUATION:
                options.add("-" + word)
    return options


def help_of(bindir: Path, program: Program) -> str:
    texts = []
    for command in ("", *program.commands):
        binary, *words = (*program.name.split(), *command.split())
        texts.append(explained([str(bindir / binary), *words]))
    return "\n".join(texts)


def explained(argv: list[str]) -> str:
    """If --help only lists the options, --help-all explains them."""

    def ask(option: str) -> str:
        return subprocess.run([*argv, option], check=True, capture_output=True, text=True).stdout

    short = ask("--help")
    return ask("--help-all") if "--help-all" in short else short


def compare(program: Program, help_text: str, page: str) -> list[Finding]:
    in_help, in_page = options_of_help(help_text), options_of_page(page)
    told = [f"{name} of --help is missing" for name in in_help - in_page]
    told += [f"{name} is not in --help" for name in in_page - in_help]
    introduction = help_text.partition("Options:")[0]
    for name in (*program.commands, *program.others):
        if not re.search(rf"^\.It Cm {name}\b", page, re.MULTILINE):
            told.append(f"the command {name} is missing")
        if not re.search(rf"\b{name}\b", introduction):
            told.append(f"--help does not name the command {name}")
    return [Finding(program.page, 0, what, "help and man page agree") for what in told]


def check_page(page: str) -> list[Finding]:
    mandoc = project.require_tool("mandoc", "mandoc")
    command = [mandoc, "-T", "lint", "-W", "warning", page]
    lint = subprocess.run(command, cwd=project.ROOT, capture_output=True, text=True, check=False)
    if lint.returncode == 0:
        return []
    return [Finding(page, 0, line, "mandoc -T lint") for line in lint.stdout.splitlines()]


def check_readme() -> list[Finding]:
    readme = (project.ROOT / "README.md").read_text(encoding="utf-8")
    findings = []
    for command in README_COMMANDS:
        if command not in readme:
            findings.append(Finding("README.md", 0, f"does not name {command}", "two commands"))
        path = project.ROOT / command
        if not path.is_file() or not path.stat().st_mode & 0o100:
            findings.append(Finding(command, 0, "is missing or not executable", "two commands"))
    return findings


def self_test() -> int:
    help_text = "  serve  does it\nOptions:\n  -m,--mtu N    the MTU, see --no-entry\n  --old\n"
    page = ".It Fl m Ar N , Fl -mtu Ns = Ns Ar N\n.Op Fl -new | o\n.It Cm serve\n"
    found = compare(Program("x", "x.1", commands=("serve", "stop")), help_text, page)
    told = sorted(finding.text for finding in found)
    print(*told, sep="\n")
    expected = [
        "--help does not name the command stop",
        "--new is not in --help",
        "--old of --help is missing",
        "-o is not in --help",
        "the command stop is missing",
    ]
    table = "Commands with a --help of their own:\n  show       how\n  oci-hook   give\n  wg         run\n"
    table += "  fly        up\n\nUsage: x\n  no line    of it\n"
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "wg4netns").mkdir()
        for name in ("show", "oci-hook", "wg"):
            (Path(folder) / f"wg4netns/wireguard4netns-{name}.1").touch()
        programs = programs_of(table, Path(folder))
    found = [(program.name, program.commands, program.others) for program in programs]
    print(*found, sep="\n")
    right = [
        ("wireguard4netns", ("oci-hook", "fly"), ("show", "wg")),
        ("wireguard4netns show", (), ()),
        ("wg4netns-helper", (), ()),
        ("wg4netns-container", (), ()),
    ]
    return 0 if told == expected and found == right else 1


def main() -> int:
    if sys.argv[1] == "--self-test":
        return self_test()
    bindir = Path(sys.argv[1])
    findings = check_readme()
    command = [bindir / "wireguard4netns", "--help"]
    table = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    programs = with_groups(bindir, programs_of(table, project.ROOT))
    if not commands_of(table):
        findings.append(Finding("wg4netns/main.cc", 0, "--help lists no commands", "one table"))
    for program in programs:
        pages = (program.page, *program.more_pages)
        text = "".join((project.ROOT / page).read_text(encoding="utf-8") for page in pages)
        findings += compare(program, help_of(bindir, program), text)
    pages = [*sorted(project.ROOT.glob(PAGES)), *sorted(project.ROOT.glob("netns-helper/*.1"))]
    for page in pages:
        findings += check_page(str(page.relative_to(project.ROOT)))
    return project.report(findings, len(programs), "programs")


if __name__ == "__main__":
    sys.exit(main())
