"""The container's files agree with the program: the Dockerfile's steps are done here, without a container engine."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from harness.daemon import Place, until

CHECKOUT = Path(__file__).parents[2]
DOCKERFILE = CHECKOUT / "deploy" / "Dockerfile"


def read_stages() -> list[list[tuple[str, str]]]:
    """Return the instructions of each stage, with their words."""
    text = re.sub(r"^#.*\n", "", DOCKERFILE.read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    lines = [line.split(None, 1) for line in text.splitlines() if line.strip()]
    stages: list[list[tuple[str, str]]] = []
    for verb, words in lines:
        if verb == "FROM":
            stages.append([])
        elif stages:
            stages[-1].append((verb, words.strip()))
    return stages


def words_of(stage: list[tuple[str, str]], verb: str) -> list[str]:
    """Return what follows each instruction of that kind."""
    return [words for found, words in stage if found == verb]


def environment_of(stage: list[tuple[str, str]]) -> dict[str, str]:
    """Return the variables that a stage sets."""
    return dict(pair.split("=", 1) for words in words_of(stage, "ENV") for pair in shlex.split(words))


BUILD, FINAL = read_stages()


def database_of(environment: dict[str, str]) -> Path:
    """Return where the program has its database: in its user's data, so that a configuration can name another one."""
    assert not [name for name in environment if name.startswith("CHATROOM_")]
    return Path(environment["XDG_DATA_HOME"]) / "chatroom" / "chatroom.db"


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root of what the build stage makes. Its own lines run, without the network and on these directories."""
    root = tmp_path_factory.mktemp("image")
    ignored, *kept = [line for line in (CHECKOUT / ".dockerignore").read_text().split() if not line.startswith("**")]
    assert ignored == "*"
    (root / "src").mkdir()
    for words in words_of(BUILD, "COPY"):
        *sources, target = words.split()
        for source in sources:
            assert f"!{source}" in kept, "the context has it"
            if (CHECKOUT / source).is_dir():
                shutil.copytree(CHECKOUT / source, root / "src" / target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(CHECKOUT / source, root / "src" / target)
    environment = {name: at(root, value) for name, value in environment_of(BUILD).items()}
    # What these tests run with takes the place of the network.
    offline = {"PIP_NO_INDEX": "1", "PIP_NO_DEPS": "1", "PIP_NO_BUILD_ISOLATION": "0", "HOME": str(root)}
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    for command in words_of(BUILD, "RUN"):
        done = subprocess.run(
            ["sh", "-c", at(root, command)],
            cwd=root / "src",
            env={**environment, **offline, "PATH": path},
            capture_output=True,
            text=True,
            timeout=100,
        )
        assert done.returncode == 0, (command, done.stderr)
    (purelib,) = (root / "opt" / "chatroom" / "lib").glob("python*/site-packages")
    (purelib / "needs.pth").write_text(sysconfig.get_path("purelib"))
    return root


def at(root: Path, text: str) -> str:
    """Return a text with the image's own directories below another root."""
    return re.sub(r"(?<![\w.])/(?=(src|wheel|opt|var|run)\b)", f"{root}/", text)


def test_the_entry_point_serves_and_the_health_check_knows(image: Path) -> None:
    """The program comes from the wheel. Unhealthy is a container whose daemon does not answer."""
    entry = json.loads(*words_of(FINAL, "ENTRYPOINT"))
    command = [*entry, *json.loads(*words_of(FINAL, "CMD"))]
    check = json.loads(words_of(FINAL, "HEALTHCHECK")[0].partition("CMD ")[2])
    with Place.make() as place:
        environment = {name: at(place.root, value) for name, value in environment_of(FINAL).items() if name != "PATH"}
        environment = {**place.environment, **environment}
        program = str(image / "opt" / "chatroom" / "bin" / command[0])
        own = {name: at(place.root, value) for name, value in environment_of(FINAL).items()}
        for directory in (Path(own["XDG_RUNTIME_DIR"]), database_of(own).parent):
            directory.mkdir(mode=0o700, parents=True)

        def run(words: list[str]) -> subprocess.Popen[str]:
            return subprocess.Popen(
                [program, *words[1:]],
                env=environment,
                cwd=place.root,
                stderr=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                text=True,
                start_new_session=True,
            )

        options = ["127.0.0.1" if word == "0.0.0.0" else word for word in command]
        with run([*options, "--port", "0"]) as daemon:
            assert daemon.stderr is not None
            until(lambda: "configuration " in daemon.stderr.readline(), "it serves")  # type: ignore[union-attr]
            with run(check) as healthy:
                assert healthy.wait(60) == 0
            daemon.send_signal(getattr(signal, words_of(FINAL, "STOPSIGNAL")[0]))
            assert daemon.wait(60) == 0
        with run(check) as unhealthy:
            assert unhealthy.wait(60) == 1
        assert database_of(own).exists()


def test_the_program_runs_without_rights() -> None:
    """Its user is made in the image, owns the volume and the runtime directory, and has a number for bind mounts."""
    (user,) = words_of(FINAL, "USER")
    made, directories = words_of(FINAL, "RUN")
    (volume,) = words_of(FINAL, "VOLUME")
    environment = environment_of(FINAL)
    assert made.startswith("useradd ") and made.endswith(f" {user}") and f"--home-dir {volume} " in made
    assert directories == f"install -d -m 700 -o {user} -g {user} {volume} {environment['XDG_RUNTIME_DIR']}"
    assert database_of(environment).parent == Path(volume)
    verbs = [verb for verb, _ in FINAL]
    assert verbs.index("RUN") < verbs.index("USER") < verbs.index("ENTRYPOINT"), "as root before, and as the user then"
    assert words_of(FINAL, "COPY") == ["--from=build /opt/chatroom /opt/chatroom"]
    assert environment["PATH"].startswith("/opt/chatroom/bin:")


def test_compose_uses_what_the_image_has() -> None:
    """The volume, the runtime directory and its owner; the port is open to this machine only."""
    yaml = pytest.importorskip("yaml")
    composed = yaml.safe_load((CHECKOUT / "deploy" / "compose.yaml").read_text())
    (service,) = composed["services"].values()
    context = (CHECKOUT / "deploy" / service["build"]["context"]).resolve()
    assert context / service["build"]["dockerfile"] == DOCKERFILE
    name, _, target = service["volumes"][0].partition(":")
    assert name in composed["volumes"]
    assert target == words_of(FINAL, "VOLUME")[0]
    (number,) = re.findall(r"--uid (\d+)", words_of(FINAL, "RUN")[0])
    assert f"{environment_of(FINAL)['XDG_RUNTIME_DIR']}:mode=0700,uid={number},gid={number}" in service["tmpfs"]
    (port,) = service["ports"]
    host, _, inside = port.rpartition(":")
    assert host.startswith("127.0.0.1:") and inside in words_of(FINAL, "EXPOSE")[0].split()
