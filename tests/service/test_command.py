"""The command where only the client is installed."""

import subprocess
import sys


def test_without_the_service_the_command_says_how_to_install_it() -> None:
    program = "import sys; sys.modules['click'] = None; from astakos.command import main; main()"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == (
        "astakos: the command is not installed here; install it with: "
        'pip install "astakos[server]", or "astakos[cli]" for the client commands only '
        "(click is missing)\n"
    )


def test_with_the_service_it_is_the_command() -> None:
    program = "import sys; sys.argv = ['astakos', '--version']; from astakos.command import main; main()"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("astakos, version ")
