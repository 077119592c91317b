"""The repository's files agree with each other: versions, addresses, workflows, commands."""

import ast
import json
import re
import shutil
import socket
import subprocess
import sys
import tomllib
from importlib.metadata import distributions, packages_distributions
from pathlib import Path

import pytest
import set_repository as repository
import yaml
from book import packing
from book import version as versions
from notebooks import expect_none
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent

ANY_ADDRESS = re.compile(
    r"(?<![\w-])("
    + "|".join(repository.PLACES)
    + r")([A-Za-z0-9-]+)/([A-Za-z0-9._-]*[A-Za-z0-9_-])"
)
ANY_SITE = re.compile(r"(?<![\w-])([\w-]+)\.github\.io/([\w-]+)")


def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def requirements() -> list[Requirement]:
    groups = [project()["dependencies"], *project()["optional-dependencies"].values()]
    return [Requirement(line) for group in groups for line in group]


def pins() -> dict[str, Version]:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    found = {}
    for line in lines:
        if line and not line.startswith("#"):
            name, version = line.split("==")
            assert name not in found, f"constraints.txt pins {name} twice"
            found[canonicalize_name(name)] = Version(version)
    return found


# Versions


def test_constraints_pin_every_requirement_within_its_range():
    pinned = pins()
    found = []
    for requirement in requirements():
        version = pinned.get(canonicalize_name(requirement.name))
        if not version:
            found.append(f"constraints.txt does not pin {requirement.name}")
        elif not requirement.specifier.contains(version):
            found.append(f"{requirement} does not admit {version}")
    expect_none(found)


def test_constraints_name_no_build_of_one_system():
    assert not [name for name, version in pins().items() if version.local]


def test_pinned_packages_run_on_the_first_release_of_each_python():
    """Whoever has 3.11.2 from a distribution must not be told to get a newer one."""
    asked = {
        package.metadata["Name"]: package.metadata["Requires-Python"]
        for package in distributions()
        if canonicalize_name(package.metadata["Name"]) in pins()
    }
    assert len(asked) > 100
    expect_none(
        f"{name} asks for Python {range_}"
        for name, range_ in asked.items()
        if not all(SpecifierSet(range_ or "").contains(f"3.{minor}.0") for minor in (11, 12, 13))
    )


def test_pinned_torch_is_the_tested_release():
    assert pins()["torch"] == Version("2.13.0")


def test_environment_gives_the_same_set_to_conda_and_binder():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))
    assert environment["name"] == project()["name"]
    packages = environment["dependencies"]
    (from_pip,) = [entry["pip"] for entry in packages if isinstance(entry, dict)]
    from_conda = {
        re.match(r"[a-z]+", entry)[0]: entry for entry in packages if entry != {"pip": from_pip}
    }
    # Conda gives Python alone; everything else comes at the pinned versions.
    assert set(from_conda) == {"python", "pip"}
    supported = Requirement("python" + project()["requires-python"]).specifier
    assert supported.contains(from_conda["python"].removeprefix("python=") + ".0")
    # Binder's own pip is older, and stops at seqeval's source; a plain `pip` would leave it there.
    assert not Requirement(from_conda["pip"]).specifier.contains("25.2")
    # All that a reader needs; grading is the teacher's.
    extras = ",".join(sorted(set(project()["optional-dependencies"]) - {"grading"}))
    assert from_pip == ["-c constraints.txt", f"-e .[{extras}]", "notebook"]
    assert "notebook" in pins()


def test_binder_takes_the_environment_of_conda():
    """What repo2docker would look for before environment.yml, or run after it, is not there."""
    before = ("binder", ".binder", "Dockerfile", "default.nix", "Project.toml", "JuliaProject.toml")
    before += (
        "REQUIRE",
        "install.R",
        "DESCRIPTION",
        "runtime.txt",
        "apt.txt",
        "postBuild",
        "start",
    )
    assert [name for name in before if (ROOT / name).exists()] == []


def test_what_binder_and_colab_open_exists_in_the_version():
    """The pages name a notebook in a folder, in the tag that `make version` writes."""
    tag = f"v{versions.current_version(ROOT)}"
    seen = []
    for name in ("README.md", "README.zh-CN.md", "index.md"):
        text = (ROOT / name).read_text("utf-8")
        opened = re.findall(
            r"colab\.research\.google\.com/github/[^/]+/[^/]+/blob/([^/]+)/([^)\s]+)", text
        )
        binder = re.findall(
            r"mybinder\.org/v2/gh/[^/]+/[^/]+/([^?)\s]+)\?urlpath=lab/tree/([^)\s]+)", text
        )
        assert len(binder) == text.count("mybinder.org"), name
        seen += [(name, *each) for each in opened + binder]
    assert len(seen) == 6
    expect_none(each for each in seen if each[1] != tag or not (ROOT / each[2]).is_file())


def test_the_chapter_that_binder_opens_fits_its_memory():
    times = json.loads((ROOT / "results/times.json").read_text("utf-8"))
    for name in ("README.md", "README.zh-CN.md", "index.md"):
        for chapter in re.findall(
            r"urlpath=lab/tree/chapters/(\w+)\.ipynb", (ROOT / name).read_text("utf-8")
        ):
            # Of about 2 GB, as the pages say; Jupyter itself takes some two hundred megabytes.
            assert times[chapter]["peak_mb"] < 1700, f"{name}: {chapter}"


def test_every_imported_package_is_named_in_pyproject():
    own = {path.stem for folder in ("tests", "scripts") for path in (ROOT / folder).rglob("*.py")}
    folders = [path for name in ("tests", "scripts") for path in (ROOT / name).iterdir()]
    own |= {"utils"} | {path.name for path in folders if path.is_dir()}
    named = {canonicalize_name(requirement.name) for requirement in requirements()}
    named |= {"beautifulsoup4", "docutils", "mdit-py-plugins", "sphinx"}  # of jupyter-book itself
    distributions = packages_distributions()
    unnamed = []
    for path in [
        p for folder in ("utils", "scripts", "tests") for p in (ROOT / folder).rglob("*.py")
    ]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                modules = [node.module]
            else:
                continue
            for module in {name.split(".")[0] for name in modules}:
                if module in sys.stdlib_module_names or module in own:
                    continue
                packages = {canonicalize_name(name) for name in distributions.get(module, [module])}
                if not packages & named:
                    unnamed.append(f"{path.relative_to(ROOT)} imports {module}")
    expect_none(unnamed)


def test_this_python_is_supported():
    supported = Requirement("python" + project()["requires-python"]).specifier
    assert supported.contains(".".join(map(str, sys.version_info[:3])))


def test_make_book_installs_what_the_book_extra_names():
    makefile = (ROOT / "Makefile").read_text("utf-8")
    (line,) = re.findall(r"-c constraints\.txt (jupyter-book.*)", makefile)
    book = {Requirement(entry).name for entry in project()["optional-dependencies"]["book"]}
    assert set(line.split()) == book


# Commands and workflows


def commands_named(text: str) -> set[str]:
    """Names after `make` in lines and code spans that begin with it."""
    return set(re.findall(r"(?:^|`|run: )[ \t]*make ([a-z][a-z-]*)", text, re.M))


def test_make_knows_the_commands_that_are_named_anywhere():
    known = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.M))
    pages = ["README.md", "README.zh-CN.md", "CONTRIBUTING.md", "index.md", ".ci/run"]
    files = [ROOT / page for page in pages] + sorted((ROOT / ".github").rglob("*.yml"))
    named = {(path.name, name) for path in files for name in commands_named(path.read_text("utf8"))}
    assert {"book", "test"} <= {name for _, name in named}
    expect_none(f"{page}: there is no make {name}" for page, name in named if name not in known)


def test_named_commands_are_found_and_prose_is_not():
    text = "make book   # builds\nwe make tea; `make check WORKERS=4`\n  - run: make lint\n"
    assert commands_named(text) == {"book", "check", "lint"}


@pytest.mark.skipif(not shutil.which("make"), reason="no make on this system")
@pytest.mark.parametrize(("made_in", "kept"), [("here", True), ("", True), ("elsewhere", False)])
def test_an_environment_that_was_made_elsewhere_is_made_anew(tmp_path, made_in, kept):
    shutil.copy(ROOT / "Makefile", tmp_path)
    stamp = tmp_path / ".venv" / ".created"
    stamp.parent.mkdir()
    stamp.write_text(str(tmp_path) if made_in == "here" else made_in, encoding="utf8")
    subprocess.run(["make", "help"], cwd=tmp_path, capture_output=True, check=True)
    assert stamp.exists() == kept


@pytest.mark.skipif(not shutil.which("make"), reason="no make on this system")
def test_serving_at_a_taken_port_says_so(tmp_path):
    shutil.copy(ROOT / "Makefile", tmp_path)
    program = tmp_path / ".venv" / "bin" / "python"
    program.parent.mkdir(parents=True)
    program.symlink_to(sys.executable)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        # As if the site had been built: only `serve`'s own lines run.
        command = ["make", "serve", f"PORT={port}", "--old-file=book"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode and "Traceback" not in done.stderr
    assert f"error: port {port} cannot be used; name another" in done.stderr


@pytest.mark.skipif(not shutil.which("make"), reason="no make on this system")
def test_a_wrong_python_is_refused_before_anything_is_made(tmp_path):
    shutil.copy(ROOT / "Makefile", tmp_path)
    command = ["make", "book", "PYTHON=no-such-python"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode != 0 and "no-such-python" in done.stderr
    assert not (tmp_path / ".venv").exists()


@pytest.mark.parametrize("path", sorted((ROOT / ".github").rglob("*.yml")), ids=lambda p: p.name)
def test_workflow_is_a_workflow(path):
    workflow = yaml.safe_load(path.read_text("utf-8"))
    # YAML 1.1 reads the key `on` as true.
    assert workflow[True] and workflow["name"] and workflow["permissions"]
    for job in workflow["jobs"].values():
        assert job["runs-on"] and job["timeout-minutes"] <= 90
        assert all(("uses" in step) != ("run" in step) for step in job["steps"])


def test_workflows_cover_three_systems_and_both_ends_of_python():
    jobs = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text("utf-8"))["jobs"]
    systems = {job["runs-on"].split("-")[0] for job in jobs.values()}
    assert systems == {"ubuntu", "macos", "windows"}
    assert all(job["strategy"]["matrix"]["python"] == ["3.11", "3.13"] for job in jobs.values())
    weekly = yaml.safe_load((ROOT / ".github/workflows/weekly.yml").read_text("utf-8"))
    assert all(job["continue-on-error"] for job in weekly["jobs"].values())
    assert "constraints.txt" not in str(weekly)


def test_readmes_show_the_windows_commands_that_ci_runs():
    jobs = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text("utf-8"))["jobs"]
    commands = [step["run"] for step in jobs["windows"]["steps"] if "run" in step]
    expect_none(
        f"{name} does not show: {command}"
        for name in ("README.md", "README.zh-CN.md")
        for command in commands[1:]
        if command not in (ROOT / name).read_text("utf-8")
    )


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md", "CONTRIBUTING.md"])
def test_local_links_lead_somewhere(name):
    text = (ROOT / name).read_text("utf-8")
    targets = re.findall(r"\]\(([^)#]+)\)", text)
    local = [target for target in targets if "://" not in target]
    expect_none(f"{target} does not exist" for target in local if not (ROOT / target).exists())


def chapters_not_named(root: Path) -> list[str]:
    """Where a page of chapters/ is missing: the table of contents, the front page, a README.

    And where one is named that does not exist.
    """
    toc = yaml.safe_load((root / "_toc.yml").read_text("utf-8"))
    in_toc = {entry["file"] for part in toc["parts"] for entry in part["chapters"]}
    pages = {f"chapters/{path.stem}" for path in (root / "chapters").glob("*.ipynb")}
    pages |= {f"chapters/{path.stem}" for path in (root / "chapters").glob("*.md")}
    found = [f"_toc.yml does not name {page}" for page in sorted(pages - in_toc)]
    found += [f"_toc.yml names {page}, which does not exist" for page in sorted(in_toc - pages)]
    numbered = {page for page in pages if re.match(r"chapters/\d\d_", page)}
    for name in ("index.md", "README.md", "README.zh-CN.md"):
        linked = re.findall(
            r"^\|.*\]\((chapters/\w+)\.ipynb\)", (root / name).read_text("utf-8"), re.M
        )
        found += [f"{name}: no row for {page}.ipynb" for page in sorted(numbered - set(linked))]
        found += [f"{name}: {page}.ipynb does not exist" for page in sorted(set(linked) - numbered)]
    return found


def test_every_chapter_is_in_the_contents_and_on_the_front_pages():
    expect_none(chapters_not_named(ROOT))


def test_a_chapter_that_is_named_nowhere_is_found(tmp_path):
    for name in ("_toc.yml", "index.md", "README.md", "README.zh-CN.md"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "chapters", tmp_path / "chapters")
    assert chapters_not_named(tmp_path) == []
    (tmp_path / "chapters/99_more.ipynb").write_text("{}")
    (tmp_path / "chapters/01_why_pretraining.ipynb").unlink()
    assert len(chapters_not_named(tmp_path)) == 2 * 4


def test_the_picture_in_the_readme_is_small():
    assert (ROOT / "site_assets" / "page.png").stat().st_size <= 150_000


# The address


def addresses_of_others(root: Path) -> list[str]:
    """Every GitHub, Colab, Binder or site address of this course under another owner or name.

    A link to somebody else's repository is none of them, whoever it is; but Colab and Binder
    open nothing here except our own notebooks.
    """
    ours = repository.split_address(repository.current_address(root))
    wrong = []
    for path in repository.text_files(root):
        if path.is_relative_to(root / "tests"):
            continue  # planted mistakes hold invented addresses
        # What the documentation writes for "put your own here" is no address.
        text = path.read_text("utf-8").replace("github.com/OWNER/NAME", "")
        for match in ANY_ADDRESS.finditer(text):
            place, owner, name = match.groups()
            name = name.removesuffix(".git")
            only_a_link = place in ("github.com/", "github.com:", "raw.githubusercontent.com/")
            stale = name == ours[1] or owner == ours[0] or not only_a_link
            if (owner, name) != ours and stale:
                wrong.append(f"{path.relative_to(root)}: {match.group()}")
        for match in ANY_SITE.finditer(text):
            owner, name = match.groups()
            if (owner == ours[0].lower()) != (name == ours[1]):
                wrong.append(f"{path.relative_to(root)}: {match.group()}")
    return wrong


@pytest.fixture
def tree_copy(tmp_path):
    """A copy of every text file that may show the address."""
    for path in repository.text_files(ROOT):
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    return tmp_path


def contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in repository.text_files(root)}


def test_no_other_address_than_the_one_in_config():
    expect_none(addresses_of_others(ROOT))


def test_a_stale_address_is_found(tree_copy):
    readme = tree_copy / "README.md"
    owner, name = repository.split_address(repository.current_address(tree_copy))
    for stale in (
        "github.com/" + f"somebody/{name}",
        "github.com/" + f"{owner}/old-name",
        "colab.research.google.com/github/" + "somebody/else",
        "mybinder.org/v2/gh/" + "somebody/else",
        "somebody" + f".github.io/{name}",
    ):
        readme.write_text(f"see https://{stale}.\n", "utf-8")
        assert f"README.md: {stale}" in addresses_of_others(tree_copy)
    readme.write_text("see https://github.com/" + "somebody/else.\n", "utf-8")
    assert addresses_of_others(tree_copy) == []


def test_setting_the_address_leaves_nothing_of_the_old_and_goes_back_to_the_byte(tree_copy):
    before = contents(tree_copy)
    old = repository.current_address(tree_copy)
    owner, name = repository.split_address(old)

    changed = repository.set_repository("https://github.com/" + "new-owner/my.course", tree_copy)
    assert {path.name for path in changed} >= {"_config.yml", "README.md", "README.zh-CN.md"}
    assert repository.current_address(tree_copy).endswith("new-owner/my.course")
    for path, content in contents(tree_copy).items():
        assert f"{owner}/{name}".encode() not in content, path
        assert f"{owner}.github.io".encode() not in content, path

    repository.set_repository(old, tree_copy)
    assert contents(tree_copy) == before


def test_a_repository_whose_name_begins_alike_is_left_alone():
    old, new = ("anna", "course"), ("bo", "lessons")
    same = b"github.com/anna/course-data github.com/anna/course.js xgithub.com/anna/course"
    assert repository.replace_address(same, old, new) == same
    ours = b"git@github.com:anna/course.git; https://github.com/anna/course. anna.github.io/course/"
    assert repository.replace_address(ours, old, new) == (
        b"git@github.com:bo/lessons.git; https://github.com/bo/lessons. bo.github.io/lessons/"
    )


@pytest.mark.parametrize("address", ["", "bert", "https://github.com/only-owner", "ftp://a/b/c"])
def test_a_wrong_address_is_refused_in_one_line(address, tree_copy):
    before = contents(tree_copy)
    with pytest.raises(repository.AddressError, match="write https://github.com/OWNER/NAME"):
        repository.set_repository(address, tree_copy)
    assert contents(tree_copy) == before


# The version


def test_every_pin_is_the_tag_of_the_version():
    tag = f"v{versions.current_version(ROOT)}"
    found = {path.name: versions.pins(path.read_text("utf-8")) for path in notebook_files()}
    expect_none(
        f"{name} pins {pins}, not the link and the setup cell at {tag}"
        for name, pins in found.items()
        if pins != [tag, tag]
    )
    for name in versions.CONTENTS:
        pins = versions.pins((ROOT / name).read_text("utf-8"))
        assert pins and set(pins) == {tag}, name


def notebook_files() -> list[Path]:
    return sorted((ROOT / "chapters").glob("*.ipynb"))


def test_a_new_version_is_written_everywhere_and_the_old_one_comes_back(tree_copy):
    before, old = contents(tree_copy), versions.current_version(tree_copy)
    changed = versions.set_version("12.3.45", tree_copy)
    assert len(changed) >= len(notebook_files()) + len(versions.CONTENTS) + 1
    assert versions.current_version(tree_copy) == "12.3.45"
    for path in versions.pinning_files(tree_copy):
        assert set(versions.pins(path.read_text("utf-8"))) <= {"v12.3.45"}, path
    versions.set_version(f"v{old}", tree_copy)
    assert contents(tree_copy) == before


@pytest.mark.parametrize("version", ["", "1.2", "main", "1.2.3; rm -r ."])
def test_what_is_no_version_is_refused(version, tree_copy):
    with pytest.raises(versions.VersionError, match="write three numbers"):
        versions.set_version(version, tree_copy)


# What must not be said


def test_no_registry_host_or_local_path_is_named():
    hosts = ["py" + "pi.org", "python" + "hosted.org", "npmjs" + ".org", "deb" + "ian.org"]
    expect_none(
        f"{path.relative_to(ROOT)} names {forbidden}"
        for path in repository.text_files(ROOT)
        for forbidden in hosts
        if forbidden in path.read_text("utf-8")
    )


def test_nobody_else_s_packages_lie_among_the_files():
    """`pip download` and `npm pack` leave them where one stands."""
    if not (ROOT / ".git").exists():
        pytest.skip("a copy without git: what is in it nobody knows")
    listed = packing.course_files(ROOT)
    assert listed
    expect_none(path for path in listed if path.name.endswith((".whl", ".tar.gz", ".tgz", ".egg")))
