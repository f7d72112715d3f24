"""Where every program of ours begins: it hears signals before anything that takes time is loaded."""

from lm.cli.signals import until_ended


def main() -> int:
    """Do what the command line of `slowburn` says; returns the exit code."""

    def work() -> int:
        from flows.cli.main import main as slowburn

        return slowburn()

    return until_ended(work)


def run_command(name: str, program: str) -> int:
    """Do one command, as a program of its own; returns the exit code."""

    def work() -> int:
        from flows.cli.main import run_command as run

        return run(name, program)

    return until_ended(work)


def run_server_command(program: str) -> int:
    """Do one of the service's commands; returns the exit code."""

    def work() -> int:
        from flows.cli.main import run_server_command as run

        return run(program)

    return until_ended(work)
