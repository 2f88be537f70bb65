"""What a process that forks stages has imported."""

from tests.faults import project

project.warm_up()
