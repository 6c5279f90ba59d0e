"""Convolutions as the whole network writes them."""

from __future__ import annotations

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


def conv_bn_relu(inputs: int, outputs: int, kernel: int, dilation: int = 1) -> nn.Sequential:
    """A convolution of unchanged size, batch normalisation, ReLU: (B, inputs, H, W) -> (B, outputs, H, W)."""
    padding = dilation * (kernel // 2)
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, padding=padding, dilation=dilation, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


def start(module: nn.Module) -> None:
    """Initialise every convolution of a module for ReLU (He et al., 2015)."""
    for part in module.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.kaiming_normal_(part.weight, mode="fan_out", nonlinearity="relu")
            if part.bias is not None:
                nn.init.zeros_(part.bias)


def fold(module: nn.Module) -> None:
    """Fold every batch normalisation into the convolution before it: for inference alone, the same but for rounding."""
    before, convolution = "", module
    for name, part in list(module.named_children()):
        if isinstance(part, nn.BatchNorm2d) and isinstance(convolution, nn.Conv2d):
            setattr(module, before, fuse_conv_bn_eval(convolution, part))
            setattr(module, name, nn.Identity())
        elif isinstance(part, nn.ReLU):
            part.inplace = True
        fold(part)
        before, convolution = name, part
