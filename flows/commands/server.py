"""`up`, `down` and `status`: the service."""

from flows.cli.prefect_settings import use_project_settings
from lm.cli.command import command


@command()
def up_command() -> int:
    """Start a Prefect server on 127.0.0.1, a worker and the deployments of prefect.yaml: what does not run yet."""
    use_project_settings()
    from flows import server

    return server.up()


@command()
def down_command() -> int:
    """Stop what `up` started: first the runs, which save before they end, then the worker and the server."""
    use_project_settings()
    from flows import server

    return server.down()


@command()
def status_command() -> int:
    """Show what of the service runs; the exit code is 0 where both server and worker do."""
    use_project_settings()
    from flows import server

    return server.status()
