"""Adversarial training: the step is the algorithm, line by line."""

import copy
from typing import NamedTuple

import torch
from lightning_fabric import Fabric
from torch import Tensor

from pipeline.gan.batches import Batch
from pipeline.gan.checkpoint import TrainingState
from pipeline.gan.losses import LOSSES
from pipeline.gan.networks import Network, Shape
from pipeline.gan.penalties import r1_plus_r2
from pipeline.params import Recipe


class StepLog(NamedTuple):
    """Scalars of one step, on the device: losses, mean logits, R1 + R2 (before γ/2)."""

    loss_discriminator: Tensor
    loss_generator: Tensor
    logit_real: Tensor
    logit_fake: Tensor
    penalty: Tensor


class Trainer:
    """A generator and a discriminator in training, and the generator's moving average.

    Fabric gives the device and the precision. The modules stay bare, not wrapped for distributed
    training, since such wrappers forbid the second derivatives that gradient penalties need.
    """

    def __init__(self, network: Network, shape: Shape, params: Recipe, fabric: Fabric) -> None:
        self._params, self._fabric = params, fabric
        self._loss = LOSSES[params.loss]
        torch.manual_seed(params.seed)
        self.generator = fabric.to_device(network.generator(shape))
        self.discriminator = fabric.to_device(network.discriminator(shape))
        self.ema = copy.deepcopy(self.generator).requires_grad_(False).eval()
        self._optimizer_g, self._optimizer_d = (
            torch.optim.Adam(m.parameters(), params.learning_rate, (0.0, params.beta2), fused=True)
            for m in (self.generator, self.discriminator)
        )
        self._penalty = torch.zeros((), device=fabric.device)

    def state(self) -> TrainingState:
        """Return what a checkpoint must hold."""
        return TrainingState(
            {"generator": self.generator, "discriminator": self.discriminator, "ema": self.ema},
            {"optimizer_g": self._optimizer_g, "optimizer_d": self._optimizer_d},
        )

    def step(self, step: int, batch: Batch) -> StepLog:
        """Update discriminator, generator and its moving average once (steps count from 0)."""
        self._set_learning_rate(step)
        G, D = self.generator, self.discriminator
        x, y, (z_d, z_g) = batch

        # Discriminator: tell real from generated images of the same class, smoothly.
        penalised = self._params.gamma > 0 and step % self._params.penalty_interval == 0
        with self._fabric.autocast():
            with torch.no_grad():
                fake = G(z_d, y)
            both = torch.cat([x, fake.float()]).requires_grad_(penalised)
            logits = D(both, y.repeat(2)).float()
        loss_d = objective = self._loss.discriminator(*logits.chunk(2))
        if penalised:
            self._penalty = r1_plus_r2(logits, both)
            objective = (
                loss_d + self._params.penalty_interval * self._params.gamma / 2 * self._penalty
            )
        self._optimizer_d.zero_grad()
        objective.backward()
        self._optimizer_d.step()

        # Generator: make the discriminator prefer its images to the real ones.
        D.requires_grad_(False)
        with self._fabric.autocast():
            with torch.no_grad():
                real_logit = D(x, y).float()
            fake_logit = D(G(z_g, y), y).float()
        loss_g = self._loss.generator(real_logit, fake_logit)
        self._optimizer_g.zero_grad()
        loss_g.backward()
        self._optimizer_g.step()
        D.requires_grad_(True)

        self._update_ema(step)
        means = real_logit.mean(), fake_logit.mean()
        return StepLog(*(t.detach() for t in (loss_d, loss_g, *means, self._penalty)))

    def _set_learning_rate(self, step: int) -> None:
        """Linear decay to `final_learning_rate` times the start."""
        decay = 1 - (1 - self._params.final_learning_rate) * step / self._params.steps
        for optimizer in (self._optimizer_d, self._optimizer_g):
            for group in optimizer.param_groups:
                group["lr"] = self._params.learning_rate * decay

    @torch.no_grad()
    def _update_ema(self, step: int) -> None:
        """θ̄ ← d θ̄ + (1 − d) θ, with d warming up so that early steps are soon forgotten."""
        decay = min(self._params.ema, (1 + step) / (10 + step))
        weights = [w.detach() for w in self.generator.parameters()]
        torch._foreach_lerp_(list(self.ema.parameters()), weights, 1 - decay)
