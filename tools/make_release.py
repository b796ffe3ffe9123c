"""Makes a release in dist/: the packages, what is in them, checks and checksums; `make release` runs it::

python tools/make_release.py                  # of a commit whose changelog names the version
python tools/make_release.py --trial          # of what is here, to see whether a release could be made
python tools/make_release.py --must-be-audited   # fails also if vulnerabilities cannot be looked up

It runs with what tools/release_requirements.txt pins. docs/releasing.md says what comes before and after.
"""

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[1]
OUTPUT = ROOT / "dist"
EXTRAS = "cli,httpx2,mcp,opentelemetry,server"
"""Whose packages are listed and audited. [litellm] pins an application of others, with a hundred more."""
BIN = Path(sys.executable).parent


class Vendored(NamedTuple):
    """A script of others that is in the wheel, which no tool for Python packages finds."""

    name: str
    file: str
    version: str
    license: str

    def found_version(self) -> str:
        """The version that the file itself names."""
        text = ROOT.joinpath("src/astakos/pages/static", self.file).read_text(encoding="utf-8")
        found = re.search(self.version, text)
        if found is None:
            sys.exit(
                f"{self.file} does not name its version any more; change VENDORED in {Path(__file__).name}"
            )
        return found[1]


VENDORED = (
    Vendored("htmx.org", "htmx.min.js", r'version:"([0-9.]+)"', "0BSD"),
    Vendored("uplot", "uplot.min.js", r"\(v([0-9.]+)\)", "MIT"),
)


def main() -> None:
    """Make the release, or say why there cannot be one."""
    parser = argparse.ArgumentParser(description="Make a release in dist/.")
    parser.add_argument("--trial", action="store_true", help="of what is here, committed and named or not")
    parser.add_argument("--must-be-audited", action="store_true", help="fail if nobody can be asked")
    chosen = parser.parse_args()
    version = tomllib.loads(ROOT.joinpath("pyproject.toml").read_text("utf-8"))["project"]["version"]
    if not chosen.trial:
        require_releasable(version)
    shutil.rmtree(OUTPUT, ignore_errors=True)
    build()
    call("twine", "check", "--strict", *packages(OUTPUT))
    (wheel,) = OUTPUT.glob("*.whl")
    with tempfile.TemporaryDirectory() as folder:
        python = installed(wheel, Path(folder))
        list_components(python, OUTPUT / f"astakos-{version}.cdx.json")
        list_licenses(python, OUTPUT / f"astakos-{version}-licenses.md")
        audit(python, must_be_complete=chosen.must_be_audited)
    write_checksums()
    for path in sorted(OUTPUT.iterdir()):
        print(f"{path.stat().st_size:>9,} bytes  dist/{path.name}")


def require_releasable(version: str) -> None:
    """Exits with what is missing, unless everything is committed and the changelog ends with this version."""
    changed = subprocess.run(
        ["git", "status", "--porcelain"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    if changed.stdout:
        sys.exit(f"A release is made of a commit; commit or remove first:\n{changed.stdout}")
    changelog = ROOT.joinpath("CHANGELOG.md").read_text("utf-8")
    if not re.search(
        rf"^## \[Unreleased\]\n+## \[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d$", changelog, re.M
    ):
        sys.exit(
            f"pyproject.toml says version {version}. CHANGELOG.md must begin with an empty [Unreleased], "
            f'then "## [{version}] - <year>-<month>-<day>".'
        )


def build() -> None:
    """Builds the packages twice, and keeps them if both builds gave the same bytes."""
    # Without it, hatchling gives all files one fixed date: whoever builds needs to know nothing.
    environment = {name: value for name, value in os.environ.items() if name != "SOURCE_DATE_EPOCH"}
    with tempfile.TemporaryDirectory() as again:
        for folder in (OUTPUT, Path(again)):
            call("python", "-m", "build", "--no-isolation", "--outdir", folder, environment=environment)
        differing = [
            one.name for one in packages(OUTPUT) if one.read_bytes() != Path(again, one.name).read_bytes()
        ]
    if differing:
        sys.exit(f"Two builds of the same source differ: {', '.join(differing)}")


def packages(folder: Path) -> list[Path]:
    """The wheel and the source archive."""
    return [*folder.glob("*.whl"), *folder.glob("*.tar.gz")]


def installed(wheel: Path, folder: Path) -> Path:
    """Installs the wheel, as it is tested, in a new environment, and returns its Python."""
    call("python", "-m", "venv", "--without-pip", folder)
    python = folder / "bin" / "python"
    pins = ROOT / "constraints.txt"
    call("python", "-m", "pip", "--python", python, "install", "--constraint", pins, f"{wheel}[{EXTRAS}]")
    return python


def list_components(python: Path, output: Path) -> None:
    """Writes the bill of materials, in CycloneDX's form."""
    time = subprocess.run(
        ["git", "log", "-1", "--format=%ct"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    call(
        "cyclonedx-py",
        "environment",
        "--pyproject",
        ROOT / "pyproject.toml",
        "--output-reproducible",
        "--output-file",
        output,
        python,
        environment=os.environ | {"SOURCE_DATE_EPOCH": time.stdout.strip()},
    )
    document = json.loads(output.read_text("utf-8"))
    document["components"] += [as_component(one) for one in VENDORED]
    root = document["metadata"]["component"]["bom-ref"]
    (of_root,) = (one for one in document["dependencies"] if one["ref"] == root)
    of_root["dependsOn"] = [*of_root.get("dependsOn", []), *(one.name for one in VENDORED)]
    output.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", "utf-8")


def as_component(one: Vendored) -> dict[str, Any]:
    """What the bill of materials says of a script."""
    version = one.found_version()
    return {
        "bom-ref": one.name,
        "type": "library",
        "name": one.name,
        "version": version,
        "purl": f"pkg:npm/{one.name}@{version}",
        "licenses": [{"license": {"acknowledgement": "declared", "id": one.license}}],
    }


def list_licenses(python: Path, output: Path) -> None:
    """Writes a table of everything that is installed or in the wheel, with its version and license."""
    call("pip-licenses", "--python", python, "--from=mixed", "--format=markdown", "--output-file", output)
    with output.open("a", encoding="utf-8") as table:
        table.write("\nIn the wheel itself:\n\n| Name | Version | License |\n|---|---|---|\n")
        for one in VENDORED:
            table.write(f"| {one.name} | {one.found_version()} | {one.license} |\n")


def audit(python: Path, *, must_be_complete: bool) -> None:
    """Looks up known vulnerabilities of what is installed; exits if there are any.

    Where the database cannot be reached or does not know the packages, says so; exits if it must be complete.
    """
    (site,) = python.parents[1].glob("lib/python*/site-packages")
    asked = subprocess.run(
        [BIN / "pip-audit", "--progress-spinner", "off", "--format", "json", "--path", site],
        capture_output=True,
        text=True,
        check=False,
    )
    found = json.loads(asked.stdout)["dependencies"] if asked.stdout else []
    vulnerable = [one for one in found if one.get("vulns")]
    for one in vulnerable:
        print(f"{one['name']} {one['version']}: {', '.join(vuln['id'] for vuln in one['vulns'])}")
    if vulnerable:
        sys.exit(
            "These have known vulnerabilities; raise their versions in pyproject.toml and constraints.txt."
        )
    unknown = [one["name"] for one in found if "skip_reason" in one and one["name"] != "astakos"]
    if found and not unknown:
        print(f"pip-audit knows of no vulnerability in {len(found)} packages.")
        return
    reason = (
        f"could not tell about {len(unknown)} of {len(found)} packages" if found else asked.stderr.strip()
    )
    print(f"NOT AUDITED for known vulnerabilities: pip-audit {reason or 'failed'}.")
    if must_be_complete:
        sys.exit("It must be audited: repeat this where the database of vulnerabilities can be reached.")


def write_checksums() -> None:
    """Writes SHA256SUMS, as `sha256sum --check` reads it."""
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in sorted(OUTPUT.iterdir())
    ]
    OUTPUT.joinpath("SHA256SUMS").write_text("".join(lines), "utf-8")


def call(program: str, *arguments: str | Path, environment: "dict[str, str] | None" = None) -> None:
    """Runs a program of this environment; if it fails, exits with what it said."""
    done = subprocess.run(
        [BIN / program, *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{done.stdout}\n{program} failed with status {done.returncode}")


if __name__ == "__main__":
    main()
