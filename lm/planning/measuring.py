"""This machine measured in a supervised child, where it is not known yet: two seconds. Light: torch is in the child."""

from collections.abc import Callable
from contextlib import AbstractContextManager

from lm.errors import Damaged
from lm.planning.jobs import measure_machine
from lm.planning.machine import TrainingMachine
from lm.planning.machine_record import keep_machine, kept_machine
from lm.progress import Progress, silent
from lm.store.artifacts import Store
from lm.supervision.supervisor import SupervisedChild


def measured_machine(
    store: Store,
    start_child: Callable[[], AbstractContextManager[SupervisedChild]],
    device: str | None = None,
    progress: Progress = silent,
    tell: Callable[[str], object] = lambda note: None,
) -> TrainingMachine:
    """What is known of this machine; where nothing is, what a child measures, which is remembered.

    `tell` hears of a record that is damaged, and measured again.
    Raises BadInput where it has no such device.
    """
    try:
        machine = kept_machine(store)
    except Damaged as error:
        machine = None
        tell(f"{str(error).partition(': ')[0]}: this machine is measured again")
    if machine is None:
        with start_child() as child:
            machine = child.call(measure_machine, progress)
        keep_machine(store, machine)
    return machine.with_device(device)
