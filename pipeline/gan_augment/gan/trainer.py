"""Adversarial training: the step is the algorithm, line by line."""

import copy
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim import Optimizer

from gan_augment.calibration import Covariance
from gan_augment.gan.augment import Augment
from gan_augment.gan.batches import Batch
from gan_augment.gan.losses import LOSSES
from gan_augment.gan.networks import Shape, build
from gan_augment.gan.networks.conditioning import set_label_strength
from gan_augment.gan.penalties import PENALTIES
from gan_augment.params import Recipe
from gan_augment.table import Images


class StepLog(NamedTuple):
    """Scalars of one step, on the device.

    Attributes:
        loss_discriminator, loss_generator: without penalty.
        logit_real, logit_fake: means over the discriminator's batch.
        penalty: the last one computed, before its weight.
        augmentation: probability of each operation.
    """

    loss_discriminator: Tensor
    loss_generator: Tensor
    logit_real: Tensor
    logit_fake: Tensor
    penalty: Tensor
    augmentation: Tensor


class Trainer(nn.Module):
    """A generator and a discriminator in training, and the generator's moving average.

    Fabric gives the device, the precision and the other processes. The modules stay bare, not
    wrapped for distributed training, since such wrappers forbid the second derivatives that
    gradient penalties need; gradients are averaged by hand. What training changes is in the state
    dict of this module and in those of the optimisers, and nowhere else.

    Attributes:
        shape: the sizes of the networks.
        generator, discriminator: the two players.
        ema: the generator's moving average, which makes the samples.
        best_generator, best_discriminator: what `keep_best` last kept.
        augment: what both kinds of images pass on their way to the discriminator.
        learning_rate_scale, gamma_scale: 1, unless a rollback changed them.
    """

    def __init__(self, shape: Shape, params: Recipe, fabric: Fabric) -> None:
        super().__init__()
        self.shape, self._params, self._fabric = shape, params, fabric
        self._loss, self._penalise = LOSSES[params.loss], PENALTIES[params.penalty]
        torch.manual_seed(params.seed)
        self.generator: Any
        self.discriminator: Any
        self.generator, self.discriminator = (
            half.to(fabric.device) for half in build(params.network, shape)
        )
        self.ema = copy.deepcopy(self.generator).requires_grad_(False).eval()
        self.best_generator = copy.deepcopy(self.ema)
        self.best_discriminator = copy.deepcopy(self.discriminator).requires_grad_(False)
        steps = params.steps * params.discriminator_steps
        self.augment = Augment(params.augment, params.augment_probability, steps)
        self.augment.to(fabric.device)
        betas = params.beta1, params.beta2
        self._optimizer_g, self._optimizer_d = (
            torch.optim.Adam(module.parameters(), params.learning_rate, betas, fused=True)
            for module in (self.generator, self.discriminator)
        )
        self.learning_rate_scale = self.gamma_scale = 1.0
        self.register_buffer("last_penalty", torch.zeros((), device=fabric.device))
        self.last_penalty: Tensor

    @torch.no_grad()
    def begin(self, train: Images, covariance: Covariance = "own") -> None:
        """Learn from the training samples what needs no training: codec, and a generator's start.

        What the networks make of them then depends on the samples alone.
        """
        self.generator.codec.fit(train.pixels, train.labels)
        self.discriminator.codec.load_state_dict(self.generator.codec.state_dict())
        if self.starts_trained:
            codes = self.generator.codec.hold(train.pixels)
            labels = torch.from_numpy(train.labels).to(codes.device)
            self.generator.begin(codes, labels, covariance)
        for kept in (self.ema, self.best_generator):
            kept.load_state_dict(self.generator.state_dict())
        self.best_discriminator.load_state_dict(self.discriminator.state_dict())

    @property
    def starts_trained(self) -> bool:
        """Whether the generator makes something worth having before its first step."""
        return hasattr(self.generator, "begin")

    def step(self, step: int, batches: Sequence[Batch]) -> StepLog:
        """Update the discriminator once a batch, the generator once; steps count from 0."""
        gamma = self._schedule(step)
        for turn, batch in enumerate(batches):
            number = step * len(batches) + turn
            loss_d, real, fake = self._step_discriminator(number, batch, gamma)
        loss_g = self._step_generator(batches[-1])
        self._update_ema(step)
        logged = loss_d, loss_g, real.mean(), fake.mean(), self.last_penalty, self.augment.p
        return StepLog(*(value.detach().clone() for value in logged))

    def optimizers(self) -> dict[str, Optimizer]:
        """Return the optimisers by name."""
        return {"optimizer_g": self._optimizer_g, "optimizer_d": self._optimizer_d}

    def keep_best(self) -> None:
        """Remember generator average and discriminator as they are now."""
        self.best_generator.load_state_dict(self.ema.state_dict())
        self.best_discriminator.load_state_dict(self.discriminator.state_dict())

    def weight_norms(self) -> dict[str, float]:
        """Return the Euclidean norm of all weights of either player."""
        return {
            f"weights_{name}": float(nn.utils.get_total_norm(list(network.parameters())))
            for name, network in (
                ("generator", self.generator),
                ("discriminator", self.discriminator),
            )
        }

    def mean(self, value: Tensor) -> Tensor:
        """Return the mean over processes."""
        if self._fabric.world_size == 1:
            return value
        mean = self._fabric.all_reduce(value, reduce_op="mean")
        assert isinstance(mean, Tensor)
        return mean

    def _step_discriminator(
        self, number: int, batch: Batch, gamma: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Tell real from generated images of the same class, smoothly."""
        G, D, T = self.generator, self.discriminator, self.augment
        x, y, (z, _), (uniform, _), epsilon = batch
        interval = self._params.penalty_interval
        penalised = gamma > 0 and number % interval == 0

        with self._fabric.autocast():
            with torch.no_grad():
                fake_images = G(z, y).float()
            images = torch.cat([x, fake_images]).requires_grad_(penalised)
            logits = D(T(images, uniform), y.repeat(2)).float()
        real, fake = logits.chunk(2)
        loss = objective = self._loss.discriminator(real, fake)
        if penalised and self._penalise:
            penalty = self._penalise.of(images, logits, lambda other: D(other, y), epsilon)
            objective = loss + interval * gamma * penalty
            self.last_penalty.copy_(penalty.detach())
        self._descend(self._optimizer_d, D, objective)

        if self._params.weight_clip:
            _clip(D, self._params.weight_clip)
        T.adapt(real, fake, self._loss.zero, self.mean)
        return loss, real, fake

    def _step_generator(self, batch: Batch) -> Tensor:
        """Make the discriminator prefer generated images, or take them for real."""
        G, D, T = self.generator, self.discriminator, self.augment
        x, y, (_, z), (_, uniform), _ = batch
        uniform_real, uniform_fake = uniform.chunk(2)

        D.requires_grad_(False)
        with self._fabric.autocast():
            fake = D(T(G(z, y), uniform_fake), y).float()
            real = fake.detach()
            if self._loss.paired:
                with torch.no_grad():
                    real = D(T(x, uniform_real), y).float()
        loss = self._loss.generator(real, fake)
        self._descend(self._optimizer_g, G, loss)
        D.requires_grad_(True)
        return loss

    def _schedule(self, step: int) -> float:
        """Set this step's learning rates and label strength, and return its γ.

        Rates and γ go linearly to their final share; labels ramp in over `label_ramp`.
        """
        params, done = self._params, step / self._params.steps
        rate = params.learning_rate * self.learning_rate_scale
        rate *= 1 - (1 - params.final_learning_rate) * done
        self._optimizer_g.param_groups[0]["lr"] = rate
        self._optimizer_d.param_groups[0]["lr"] = rate * params.discriminator_rate
        strength = float(params.conditional)
        if params.label_ramp:
            start, end = params.label_ramp
            strength = min(max((done - start) / (end - start), 0.0), 1.0)
        for network in (self.generator, self.discriminator, self.ema):
            set_label_strength(network, strength)
        return params.gamma * self.gamma_scale * (1 - (1 - params.final_gamma) * done)

    def _descend(self, optimizer: Optimizer, module: nn.Module, objective: Tensor) -> None:
        """Take one step down the gradient of the objective, averaged over processes."""
        optimizer.zero_grad()
        objective.backward()
        if self._fabric.world_size > 1:
            gradients = [p.grad for p in module.parameters() if p.grad is not None]
            flat = self.mean(torch.cat([gradient.flatten() for gradient in gradients]))
            parts = flat.split([gradient.numel() for gradient in gradients])
            for gradient, part in zip(gradients, parts, strict=True):
                gradient.copy_(part.view_as(gradient))
        optimizer.step()

    @torch.no_grad()
    def _update_ema(self, step: int) -> None:
        """θ̄ ← d θ̄ + (1 − d) θ, with d warming up so that early steps are soon forgotten."""
        decay = min(self._params.ema, (1 + step) / (10 + step))
        averages, values = (
            [t for t in (*net.parameters(), *net.buffers()) if t.is_floating_point()]
            for net in (self.ema, self.generator)
        )
        torch._foreach_lerp_(averages, [value.detach() for value in values], 1 - decay)


@torch.no_grad()
def _clip(network: nn.Module, bound: float) -> None:
    """Clip weights to [−bound, bound] (Arjovsky et al. 2017, algorithm 1)."""
    for weight in network.parameters():
        weight.clamp_(-bound, bound)
