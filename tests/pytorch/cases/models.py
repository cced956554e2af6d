"""Human-designed networks: logits in evaluation, and the gradients of a pass in training.

Nothing but results is stored. Weights, running statistics and images follow from a formula of the layer's number, in the order
in which convolutions, BatchNorms and linear layers run, and of the place in PyTorch's layout."""
import math
import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

sys.path.append(str(Path(__file__).parent.parent))
import model_counts  # noqa: E402
from recorder import as_arrays  # noqa: E402

FILE = "models.safetensors"
MASK = 0xFFFFFFFF
IMAGES = 1 << 20
# Name, form, width, depth and the size of the images.
LOGITS = [
    ("resnet-20", "cifar", 1.0, "", 16), ("preact-resnet-20", "cifar", 1.0, "", 16), ("resnet-18", "cifar", 1.0, "", 16),
    ("resnet-18", "imagenet", 1.0, "", 64), ("resnet-50", "imagenet", 1.0, "", 64), ("senet", "imagenet", 1.0, "", 64),
    ("inception-v1", "imagenet", 1.0, "", 70), ("inception-v1-5x5", "imagenet", 1.0, "", 70),
    ("inception-v1", "cifar", 1.0, "", 16), ("mobilenet-v2", "imagenet", 1.0, "", 64), ("mobilenet-v2", "cifar", 0.5, "", 16),
    ("mobilenet-v3", "imagenet", 1.0, "", 64), ("mobilenet-v3", "cifar", 0.5, "", 16),
    ("shufflenet", "imagenet", 0.5, "", 64), ("shufflenet", "cifar", 0.5, "", 16),
    ("densenet-bc", "imagenet", 1.0, "", 64), ("densenet-bc", "cifar", 0.3, 100, 16),
]
# Networks without dropout, which draws from other streams here.
GRADIENTS = [("resnet-20", "cifar", 1.0, "", 8), ("preact-resnet-20", "cifar", 1.0, "", 8), ("shufflenet", "cifar", 0.5, "", 12),
             ("senet", "cifar", 1.0, "", 8), ("densenet-bc", "cifar", 0.3, 100, 12)]


def unit(layer, tensor, shape):
    """Numbers from 0 to 1 that look random."""
    x = (np.arange(math.prod(shape), dtype=np.uint64) + 1) * 2654435761 + (4 * layer + tensor) * 2246822519 & MASK
    for shift, factor in ((15, 2246822519), (13, 3266489917), (16, 1)):
        x = (x ^ (x >> np.uint64(shift))) * np.uint64(factor) & MASK
    return torch.from_numpy(x.astype(np.float64) / 2**32).reshape(shape).float().double()


def between(low, high, *place):
    return (low + (high - low) * unit(*place)).float().double()


def fill(network, images):
    """Gives a network its numbers; its modules in the order in which they run."""
    order, hooks = [], []
    network.eval()
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.BatchNorm2d, nn.Linear)):
            hooks.append(module.register_forward_pre_hook(lambda module, _: order.append(module)))
    with torch.no_grad():
        network(images)
    for hook in hooks:
        hook.remove()
    with torch.no_grad():
        for layer, module in enumerate(order):
            shape = module.weight.shape
            if isinstance(module, nn.BatchNorm2d):
                module.weight.copy_(between(0.75, 1.25, layer, 0, shape))
                module.bias.copy_(between(-0.25, 0.25, layer, 1, shape))
                module.running_mean.copy_(between(-0.25, 0.25, layer, 2, shape))
                module.running_var.copy_(between(0.75, 1.25, layer, 3, shape))
                continue
            # torchvision has 1x1 convolutions with a bias in the place of some linear layers.
            bound = math.sqrt((3 if module.bias is not None else 6) / math.prod(shape[1:]))
            module.weight.copy_(between(-bound, bound, layer, 0, shape))
            if module.bias is not None:
                module.bias.copy_(between(-0.25, 0.25, layer, 1, module.bias.shape))
    return order


def images(n, size):
    return between(-2.0, 2.0, IMAGES, 0, (n, 3, size, size))


def logits(network, size):
    batch = images(2, size)
    fill(network, batch)
    with torch.no_grad():
        return {"logits": network(batch)}


def gradients(network, size):
    """The norm of each layer's gradient, and three of them whole: of the first and last layer, and a BatchNorm in the middle."""
    batch = images(4, size)
    order = fill(network, batch)
    network.train()
    loss = F.cross_entropy(network(batch), torch.tensor([0, 3, 1, 4]))
    loss.backward()
    values = {"loss": loss.detach(), "norms": torch.stack([module.weight.grad.norm() for module in order])}
    norms = [layer for layer, module in enumerate(order) if isinstance(module, nn.BatchNorm2d)]
    for layer in (0, norms[len(norms) // 2], len(order) - 1):
        values[f"grad.{layer}"] = order[layer].weight.grad
    return values


def record(recorder):
    """The recorder's draws are not used: of the many ReLUs of such networks one is always near its kink."""
    for *key, network in model_counts.networks():
        for what, build, cases in (("logits", logits, LOGITS), ("gradients", gradients, GRADIENTS)):
            for case in cases:
                if list(case[:4]) == key:
                    name, form, width, depth, size = case
                    found = as_arrays(build(network.double(), size))
                    case = f"{what}/{name}.{form}.{width}.{depth or 'published'}.{size}"
                    recorder.tensors |= {f"{case}/{what}": value for what, value in found.items()}
