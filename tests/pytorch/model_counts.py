#!/usr/bin/env python3
"""Writes values/model_counts.csv: parameters and multiply-adds of human-designed networks, as PyTorch builds them.

Needs torch and torchvision. Networks that torchvision has are its own; for CIFAR their stems are replaced, and what it has
not is written here. Multiply-adds are counted by hooks on what convolutions and linear layers really do to one image. See
README.md."""
import csv
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F
from torchvision import models
from torchvision.models.densenet import DenseNet
from torchvision.models.mobilenetv3 import _mobilenet_v3_conf, MobileNetV3
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet

CLASSES = {"cifar": 10, "imagenet": 1000}
SIZE = {"cifar": 32, "imagenet": 224}


class Cifar6n2(nn.Module):
    """ResNet for CIFAR with 6n + 2 layers and shortcuts without parameters, activated after or before its convolutions."""

    def __init__(self, depth, preact, classes):
        super().__init__()
        self.preact, n, read = preact, (depth - 2) // 6, 16
        self.conv = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.norms = nn.ModuleList([] if preact else [nn.BatchNorm2d(16)])
        self.convs, self.shapes = nn.ModuleList(), []
        for channels in (16, 32, 64):
            for block in range(n):
                stride = 2 if channels > 16 and block == 0 else 1
                self.convs += [nn.Conv2d(read, channels, 3, stride, 1, bias=False),
                               nn.Conv2d(channels, channels, 3, 1, 1, bias=False)]
                self.norms += [nn.BatchNorm2d(read if preact else channels), nn.BatchNorm2d(channels)]
                self.shapes.append((channels, stride))
                read = channels
        self.norms += [nn.BatchNorm2d(64)] if preact else []
        self.fc = nn.Linear(64, classes)

    def forward(self, x):
        convs, norms = iter(self.convs), iter(self.norms)
        x = self.conv(x)
        if not self.preact:
            x = next(norms)(x).relu()
        for index, (channels, stride) in enumerate(self.shapes):
            if self.preact:
                y = next(norms)(x).relu()
                x = y if index == 0 or stride == 2 else x
                y = next(convs)(y)
                y = next(norms)(y).relu()
                y = next(convs)(y)
            else:
                y = next(convs)(x)
                y = next(norms)(y).relu()
                y = next(convs)(y)
                y = next(norms)(y)
            x = y + F.pad(x[:, :, ::stride, ::stride], (0, 0, 0, 0, 0, channels - x.shape[1]))
            x = x if self.preact else x.relu()
        if self.preact:
            x = next(norms)(x).relu()
        return self.fc(x.mean((2, 3)))


class ExcitedBlock(BasicBlock):
    """torchvision's block with squeeze-and-excitation before the sum."""

    def __init__(self, inplanes, planes, *args, **kwargs):
        super().__init__(inplanes, planes, *args, **kwargs)
        self.down, self.up = nn.Linear(planes, planes // 16), nn.Linear(planes // 16, planes)

    def forward(self, x):
        y = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        factors = self.up(self.down(y.mean((2, 3))).relu()).sigmoid()
        return (y * factors[:, :, None, None] + (self.downsample(x) if self.downsample else x)).relu()


def resnet(block, layers, form):
    network = ResNet(block, layers, num_classes=CLASSES[form])
    if form == "cifar":
        network.conv1, network.maxpool = nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.Identity()
    return network


def densenet(form, growth, layers):
    network = DenseNet(growth, layers, 2 * growth, num_classes=CLASSES[form])
    if form == "cifar":
        network.features.conv0 = nn.Conv2d(3, 2 * growth, 3, 1, 1, bias=False)
        network.features.norm0 = network.features.relu0 = network.features.pool0 = nn.Identity()
    return network


def inception(form, kernel):
    network = models.googlenet(aux_logits=False, init_weights=False, num_classes=CLASSES[form])
    if form == "cifar":
        network.conv1.conv = nn.Conv2d(3, 64, 3, 1, 1, bias=False)
        network.maxpool1 = network.maxpool2 = nn.Identity()
    if kernel == 5:
        network.maxpool4 = nn.MaxPool2d(3, 2, ceil_mode=True)
        for name, module in network.named_children():
            if name.startswith("inception"):
                old = module.branch3[1].conv
                module.branch3[1].conv = nn.Conv2d(old.in_channels, old.out_channels, 5, 1, 2, bias=False)
    return network


def stride_1(network, *convolutions):
    """Of each block the convolution of stride 2 has stride 1 instead."""
    for block in convolutions:
        for module in block.modules():
            if isinstance(module, nn.Conv2d):
                module.stride = (1, 1)
    return network


def mobilenet_v2(form, width):
    network = models.mobilenet_v2(num_classes=CLASSES[form], width_mult=width)
    f = network.features
    return stride_1(network, f[0], f[2]) if form == "cifar" else network


def mobilenet_v3(form, width):
    setting, last = _mobilenet_v3_conf("mobilenet_v3_large", width_mult=width)
    network = MobileNetV3(setting, last, num_classes=CLASSES[form])
    f = network.features
    return stride_1(network, f[0], f[2]) if form == "cifar" else network


class ShuffleUnit(nn.Module):
    def __init__(self, read, channels, stride, groups):
        super().__init__()
        self.stride, hidden = stride, channels // 4
        made = channels - read if stride == 2 else channels
        self.reduce = nn.Sequential(nn.Conv2d(read, hidden, 1, groups=groups, bias=False), nn.BatchNorm2d(hidden))
        self.rest = nn.Sequential(nn.Conv2d(hidden, hidden, 3, stride, 1, groups=hidden, bias=False),
                                  nn.BatchNorm2d(hidden),
                                  nn.Conv2d(hidden, made, 1, groups=3, bias=False), nn.BatchNorm2d(made))

    def forward(self, x):
        y = self.rest(F.channel_shuffle(self.reduce(x).relu(), 3))
        return (x + y if self.stride == 1 else torch.cat([F.avg_pool2d(x, 3, 2, 1), y], 1)).relu()


def shufflenet(form, scale):
    read, s = 24 * scale, 2 if form == "imagenet" else 1
    layers = [nn.Conv2d(3, read, 3, s, 1, bias=False), nn.BatchNorm2d(read), nn.ReLU()]
    layers += [nn.MaxPool2d(3, 2, 1)] if form == "imagenet" else []
    for channels, units in zip((240 * scale, 480 * scale, 960 * scale), (4, 8, 4)):
        for index in range(units):
            layers.append(ShuffleUnit(read, channels, 2 if index == 0 else 1, 1 if read == 24 * scale else 3))
            read = channels
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(read, CLASSES[form]))


def networks():
    """Name, form, width, depth (empty: the published) and network."""
    for preact, name in ((False, "resnet"), (True, "preact-resnet")):
        for depth in (20, 56, 110):
            yield f"{name}-{depth}", "cifar", 1.0, "", Cifar6n2(depth, preact, 10)
    for form in ("cifar", "imagenet"):
        yield "resnet-18", form, 1.0, "", resnet(BasicBlock, [2, 2, 2, 2], form)
        yield "resnet-18", form, 1.0, 34, resnet(BasicBlock, [3, 4, 6, 3], form)
        for depth, layers in (("", [3, 4, 6, 3]), (101, [3, 4, 23, 3]), (152, [3, 8, 36, 3])):
            yield "resnet-50", form, 1.0, depth, resnet(Bottleneck, layers, form)
        yield "senet", form, 1.0, "", resnet(ExcitedBlock, [2, 2, 2, 2], form)
        yield "senet", form, 1.0, 34, resnet(ExcitedBlock, [3, 4, 6, 3], form)
        yield "inception-v1", form, 1.0, "", inception(form, 3)
        yield "inception-v1-5x5", form, 1.0, "", inception(form, 5)
        for width in (0.1, 0.25, 0.35, 0.5, 0.75, 1.0, 1.4, 2.0, 3.0):
            yield "mobilenet-v2", form, width, "", mobilenet_v2(form, width)
            yield "mobilenet-v3", form, width, "", mobilenet_v3(form, width)
        for scale in (1, 2, 3):
            yield "shufflenet", form, scale / 2, "", shufflenet(form, scale)
    yield "densenet-bc", "cifar", 1.0, "", densenet("cifar", 40, (31, 31, 31))
    yield "densenet-bc", "cifar", 0.3, 100, densenet("cifar", 12, (16, 16, 16))
    for depth, layers in (("", (6, 12, 24, 16)), (169, (6, 12, 32, 32)), (201, (6, 12, 48, 32))):
        yield "densenet-bc", "imagenet", 1.0, depth, densenet("imagenet", 32, layers)


def count(network, size):
    """Parameters, and multiply-adds of one image."""
    total = 0

    def hook(module, _, output):
        nonlocal total
        outputs = output.numel() // (module.out_channels if isinstance(module, nn.Conv2d) else module.out_features)
        total += module.weight.numel() * outputs

    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            module.register_forward_hook(hook)
    network.eval()(torch.zeros(1, 3, size, size))
    return sum(parameter.numel() for parameter in network.parameters()), total


def main():
    with torch.no_grad(), open(Path(__file__).parent / "values" / "model_counts.csv", "w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["network", "form", "width", "depth", "parameters", "multiply_adds"])
        for name, form, width, depth, network in networks():
            rows.writerow([name, form, width, depth, *count(network, SIZE[form])])


if __name__ == "__main__":
    main()
