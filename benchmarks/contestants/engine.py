"""This project's engine with its default recipe."""

import time

import numpy as np
from numpy.typing import NDArray

from benchmarks.contestants.protocol import Race, Task
from benchmarks.datasets import labelled
from benchmarks.experiment import start
from gan_augment.gan import environment
from gan_augment.gan.recipe import recipe
from gan_augment.gan.sampling import sample
from gan_augment.params import Recipe, TrainParams
from gan_augment.table import Images

TIMED_INTERVALS = 4


def default_recipe(task: Task, steps: int | None = None, network: str = "auto") -> Recipe:
    params = TrainParams(seed=task.seed, threads=task.threads, steps=steps, network=network)
    return recipe(params, (task.images.shape[2], task.images.shape[3]))


def training_images(task: Task) -> Images:
    return labelled(task.images, task.labels, tuple(map(str, range(task.classes))))


def steps_within(task: Task, seconds: float, network: str) -> int:
    """Return at least how many steps there is time for, by a model that is thrown away.

    Learning rates fall over the whole of training, so its length has to be known at the start.
    """
    settings, fastest = default_recipe(task, network=network), float("inf")
    trainer, batches = start(training_images(task), settings, environment.fabric(settings))
    for first in range(0, TIMED_INTERVALS * settings.penalty_interval, settings.penalty_interval):
        began = time.perf_counter()
        for step in range(first, first + settings.penalty_interval):
            trainer.step(step, [batches[step]])
        fastest = min(fastest, time.perf_counter() - began)
    return int(seconds / fastest * settings.penalty_interval) + 1


def main(network: str = "auto") -> None:
    task = Task.from_command_line()
    with environment.deterministic(task.threads):
        # A tenth more, so that the schedule does not end before the last mark.
        steps = int(1.1 * steps_within(task, task.marks[-1], network))
        settings = default_recipe(task, steps, network)
        fabric = environment.fabric(settings)
        trainer, batches = start(training_images(task), settings, fabric)

        def generate(labels: NDArray[np.int64]) -> NDArray[np.uint8]:
            return np.concatenate(
                [
                    sample(trainer.ema, settings.latent_dim, label, range(count), task.seed)
                    for label, count in enumerate(np.bincount(labels).tolist())
                ]
            )

        step, race = 0, Race(task, generate)
        while race.lap(settings.batch_size if step else 0):
            trainer.step(step, [batches[step]])
            step += 1

        interval = settings.penalty_interval
        precision = environment.describe(settings, fabric)["precision"]
        race.finish(
            settings={
                "network": settings.network,
                "batch size": settings.batch_size,
                "learning rate": f"{settings.learning_rate:g}, falling over {settings.steps} steps",
            },
            precision="bfloat16" if "bf16" in precision else "float32",
            step=lambda: [trainer.step(number, [batches[number]]) for number in range(interval)],
            images=interval * settings.batch_size,
        )


if __name__ == "__main__":
    main()
