"""Whether it pays to multiply in bfloat16."""

import torch


def native(on_gpu: bool = False) -> bool:
    """Return whether the processor, or the GPU, multiplies bfloat16 itself."""
    if on_gpu:
        return torch.cuda.is_bf16_supported()
    return torch.cpu._is_avx512_bf16_supported()
