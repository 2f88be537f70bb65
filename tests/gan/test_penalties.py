import torch

from pipeline.gan.penalties import r1_plus_r2


def test_a_linear_discriminator_by_hand() -> None:
    """D(x) = ⟨w, x⟩ has the gradient w everywhere, so R1 = R2 = ‖w‖²."""
    w = torch.tensor([1.0, -2.0, 3.0, 0.5]).reshape(1, 2, 2)
    images = torch.randn(6, 1, 2, 2, requires_grad=True)
    logits = (w * images).sum(dim=(1, 2, 3))
    torch.testing.assert_close(r1_plus_r2(logits, images), 2 * w.square().sum())


def test_a_quadratic_discriminator_by_hand() -> None:
    """D(x) = ‖x‖²/2 has the gradient x: R1 and R2 are the mean squared norms of each half."""
    images = torch.randn(8, 3, 2, 2, requires_grad=True)
    logits = images.square().sum(dim=(1, 2, 3)) / 2
    norms = images.detach().square().sum(dim=(1, 2, 3))
    torch.testing.assert_close(
        r1_plus_r2(logits, images).detach(), norms[:4].mean() + norms[4:].mean()
    )


def test_it_can_be_minimised() -> None:
    w = torch.ones(1, 1, 2, 2, requires_grad=True)
    images = torch.randn(4, 1, 2, 2, requires_grad=True)
    r1_plus_r2((w * images).sum(dim=(1, 2, 3)), images).backward()
    torch.testing.assert_close(w.grad, 4 * w.detach())
