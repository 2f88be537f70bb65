"""The training loop: steps, evaluations, checkpoints, and a way back when training goes wrong."""

from pathlib import Path

import torch
from lightning_fabric import Fabric

from gan_augment.errors import UserError
from gan_augment.gan import monitor
from gan_augment.gan.batches import Batch, Batches
from gan_augment.gan.checkpoint import TrainingState
from gan_augment.gan.history import History, Row
from gan_augment.gan.monitor import Trouble
from gan_augment.gan.selection import is_better, is_blind
from gan_augment.gan.trainer import StepLog, Trainer
from gan_augment.gan.validation import Validator
from gan_augment.params import Recipe
from gan_augment.progress import progress

LOG_EVERY = 20
SAMPLES = "samples"
ADVICE = "lower train.learning_rate, raise train.gamma, or choose another train.loss"


class TrainingFailedError(UserError):
    """Training went wrong, could not be mended, and left no model to keep."""


class Loop:
    """Trains to the end, or until training cannot be mended.

    Every process runs the same loop on the same history, so that all take the same decisions; only
    the first evaluates and writes.

    Attributes:
        history: the record so far.
        scratch: where checkpoints and sample sheets are.
    """

    def __init__(
        self,
        trainer: Trainer,
        batches: Batches,
        validator: Validator | None,
        params: Recipe,
        fabric: Fabric,
        scratch: Path,
    ) -> None:
        """Take what training needs; `validator` in the first process only."""
        self._trainer, self._batches, self._validator = trainer, batches, validator
        self._params, self._fabric = params, fabric
        self._state = TrainingState({"trainer": trainer}, trainer.optimizers())
        self.scratch, self._sound = scratch, scratch / "sound"
        floor = validator.floor if validator else {}
        end_of_ramp = params.label_ramp[1] if params.label_ramp else 0.0
        labelled = round(end_of_ramp * params.steps)
        self.history = History(floor=fabric.broadcast(floor), labelled=labelled)

    def run(self) -> None:
        """Make the steps that are left.

        Raises:
            TrainingFailedError: it went wrong, could not be mended, and there is no model to keep.
        """
        params, step, note = self._params, self._resume(), ""
        title, each = f"train {params.network}", (params.batch_size, "images")
        with progress(title, params.steps, "steps", step, each=each) as advance:
            while step < params.steps and not self.history.stopped:
                log = self._trainer.step(step, self._batches_of(step))
                step += 1
                logs, evaluates, saves = (
                    step % interval == 0 or step == params.steps
                    for interval in (LOG_EVERY, params.eval_interval, params.checkpoint_interval)
                )
                if logs or evaluates:
                    self._log(step, log)
                    # What is not finite cannot be scored.
                    if evaluates and monitor.divergence(self.history, 1) is None:
                        self._evaluate(step)
                    note = self._note()
                    trouble = monitor.diagnose(self.history)
                    if trouble:
                        step = self._roll_back(step, trouble)
                    elif evaluates and monitor.is_sound(self.history):
                        self._save(self._sound, step)
                if saves:
                    self._save(self.scratch, step)
                advance(step, note)
        if not self.history.stopped and (trouble := monitor.diagnose(self.history, patience=1)):
            self._best(self._story(step, trouble))
        if (best := self.history.best) and is_blind(best, params.select):
            self._print(
                f"train: there are too few images for a score to choose by (train.select = "
                f"{params.select}): the last generator that shows no trouble, of step "
                f"{best['step']}, is kept"
            )

    def _resume(self) -> int:
        """Return the step to go on from; a fresh start is itself a sound state."""
        found = self._state.load_latest(self.scratch)
        if found is None:
            if self._trainer.starts_trained:
                self._evaluate(0)
            self._save(self._sound, 0)
            return 0
        step, record = found
        self._take(History(**record))
        self._print(f"train: resuming after step {step}")
        return step

    def _batches_of(self, step: int) -> list[Batch]:
        turns = self._params.discriminator_steps
        return [self._batches[step * turns + turn] for turn in range(turns)]

    def _evaluate(self, step: int) -> None:
        """Score the averaged generator, and keep it if it is the best so far."""
        scores: Row = {}
        if self._validator:
            sheet = self.scratch / SAMPLES / f"step-{step:06d}.png"
            scores = self._validator.score(self._trainer.ema, self._trainer.discriminator, sheet)
        row = {"step": step, **self._fabric.broadcast(scores)}
        self.history.validation.append(row)
        untrained = not self.history.losses
        unlabelled = step < self.history.labelled
        if not untrained and (unlabelled or monitor.diagnose(self.history, patience=1)):
            self.history.passed_over.append(step)
            return
        rows = [r for r in self.history.validation if r["step"] not in self.history.passed_over]
        if is_better(row, self.history.best, rows, self._params.select):
            self.history.best = row
            self._trainer.keep_best()

    def _log(self, step: int, log: StepLog) -> None:
        scalars = self._trainer.mean(torch.stack(log)).tolist()
        row = dict(zip(StepLog._fields, scalars, strict=True))
        self.history.losses.append({"step": step, **row, **self._trainer.weight_norms()})

    def _note(self) -> str:
        last = self.history.losses[-1]
        note = f"D {last['loss_discriminator']:.3f}  G {last['loss_generator']:.3f}"
        scores = self.history.validation[-1] if self.history.validation else {}
        shown = [
            f"{n.upper()} {scores[n]:.3f}" for n in ("cas", "kid") if scores.get(n) is not None
        ]
        return "  ".join([note, *shown])

    def _roll_back(self, step: int, trouble: Trouble) -> int:
        """Go back to the last sound state with gentler settings, or stop; return the step."""
        now = self.history
        if now.rollbacks == self._params.max_rollbacks:
            self._stop(step, trouble)
            return step
        found = self._state.load_latest(self._sound)
        if found is None:
            raise UserError(
                f"training failed: {trouble.kind} at step {step}: {trouble.words}; and every state "
                f"to go back to in {self._sound} is damaged: delete {self.scratch} and start again"
            )
        sound, record = found
        remedy = monitor.remedy(trouble, self._params)
        action = f"back to step {sound} with {remedy.words}"
        event = {"step": step, "trouble": trouble.kind, "words": trouble.words, "action": action}
        self._print(f"\ntrain: {trouble.kind} at step {step}: {trouble.words}; {action}")
        self._take(
            History(
                **{
                    **record,
                    "events": [*now.events, event],
                    "rollbacks": now.rollbacks + 1,
                    "learning_rate_scale": now.learning_rate_scale * remedy.learning_rate,
                    "gamma_scale": now.gamma_scale * remedy.gamma,
                }
            )
        )
        self._save(self.scratch, sound)
        return sound

    def _stop(self, step: int, trouble: Trouble) -> None:
        """End training with the best model so far.

        Raises:
            TrainingFailedError: there is none.
        """
        story = self._story(step, trouble)
        best = self._best(story)
        self.history.events.append(
            {"step": step, "trouble": trouble.kind, "words": trouble.words, "action": "stopped"}
        )
        self.history.stopped = story
        self._print(
            f"\ntrain: stopped by {story}\n"
            f"train: the best model, of step {best['step']}, is kept; {ADVICE}"
        )

    def _best(self, story: str) -> Row:
        """Return the evaluation of the best model so far.

        Raises:
            TrainingFailedError: there is none, which the story tells.
        """
        best = self.history.best
        least = 0 if self._trainer.starts_trained else monitor.FIRST_STEPS
        if best is None or best["step"] < least:
            raise TrainingFailedError(f"training failed: {story}; {ADVICE}")
        return best

    def _story(self, step: int, trouble: Trouble) -> str:
        attempts = f"after {self.history.rollbacks} rollbacks"
        return f"{trouble.kind} at step {step}, {attempts}: {trouble.words}"

    def _take(self, history: History) -> None:
        self.history = history
        self._trainer.learning_rate_scale = history.learning_rate_scale
        self._trainer.gamma_scale = history.gamma_scale

    def _save(self, folder: Path, step: int) -> None:
        if self._fabric.is_global_zero:
            self._state.save(folder, self.history.rollbacks, step, self.history.as_record())
        self._fabric.barrier()

    def _print(self, text: str) -> None:
        if self._fabric.is_global_zero:
            print(text, flush=True)
