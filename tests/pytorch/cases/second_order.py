"""DARTS' second-order gradient on a small supernet: exactly, by backward through the backward pass, and from finite
differences as the paper has them, both in float64."""
import torch
import torch.nn.functional as F

from network import EDGES, OPS, Supernet
from recorder import named, snapshot

FILE = "second_order.safetensors"
CHANNELS, CELLS, CLASSES, BATCH, SIZE = 2, 1, 5, 4, 4
KINDS = ("normal", "reduce")
RATE, MOMENTUM, DECAY = 0.025, 0.9, 3e-4
RADIUS, SMALL_RADIUS = 0.01, 1e-3


def record(recorder):
    recorder.case("second_order", second_order, accept=no_kink_between)


def no_kink_between(values):
    """The small radius crosses no kink: finite differences agree with the exact derivative."""
    exact, differences = (torch.tensor(values[f"{what}.reduce"]) for what in ("product", "product_small_radius"))
    return bool((exact - differences).abs().max() <= 1e-4 * exact.abs().max())


def second_order(inputs):
    net = Supernet(CHANNELS, CELLS, CLASSES)
    weights = inputs.parameters(net.shapes)
    momenta = {name: inputs.normal(*shape, std=0.05).detach() for name, shape in net.shapes.items()}
    alphas = [inputs.normal(len(EDGES), len(OPS), std=0.5) for _ in KINDS]
    train, valid = (Batch(inputs) for _ in range(2))
    results = (named("param", snapshot(weights)) | named("momentum", momenta) | of_kinds("alpha", alphas)
               | {"train.images": train.images, "train.labels": train.labels,
                  "valid.images": valid.images, "valid.labels": valid.labels, "rate": torch.tensor(RATE)})
    # float32 could not be expected to agree with itself on differences of gradients.
    exactly = [double(weights), double(momenta), [a.detach().double().requires_grad_() for a in alphas]]
    return results | gradients(net, *exactly, train.double(), valid.double())


class Batch:
    def __init__(self, inputs):
        self.images = inputs.normal(BATCH, SIZE, SIZE, 3).detach()
        self.labels = inputs.integers(CLASSES, BATCH)

    def double(self):
        self.images = self.images.double()
        return self


def double(tensors):
    return {name: t.detach().double().requires_grad_() for name, t in tensors.items()}


def of_kinds(what, tensors):
    return {f"{what}.{kind}": t.detach().clone() for kind, t in zip(KINDS, tensors)}


def loss(net, weights, alphas, batch):
    gates = [[list(zip(OPS, row)) for row in F.softmax(alpha, -1)] for alpha in alphas]
    return F.cross_entropy(net.logits(weights, batch.images, gates), batch.labels)


def grad(value, tensors, **options):
    found = torch.autograd.grad(value, tensors, allow_unused=True, **options)
    return [torch.zeros_like(t) if g is None else g for g, t in zip(found, tensors)]


def gradients(net, weights, momenta, alphas, train, valid):
    """The whole gradient, its first term, and the product of the mixed second derivative with v: exact and by
    finite differences of two radii. Parameters that are not used (those of the normal cell) do not move."""
    names = list(weights)
    used = {n for n, g in zip(names, torch.autograd.grad(loss(net, weights, alphas, train), list(weights.values()),
                                                         allow_unused=True)) if g is not None}
    of_train = dict(zip(names, grad(loss(net, weights, alphas, train), list(weights.values()), create_graph=True)))
    ahead = {n: w - RATE * (MOMENTUM * momenta[n].detach() + of_train[n] + DECAY * w) if n in used else w
             for n, w in weights.items()}
    whole = grad(loss(net, ahead, alphas, valid), alphas)
    ahead = double(ahead)
    value = loss(net, ahead, alphas, valid)
    first, direction = grad(value, alphas, retain_graph=True), dict(zip(names, grad(value, list(ahead.values()))))
    norm = torch.sqrt(sum((v * v).sum() for v in direction.values()))

    def differences(radius):
        step = radius / norm
        ends = [grad(loss(net, {n: w.detach() + sign * step * direction[n] for n, w in weights.items()}, alphas, train),
                     alphas) for sign in (1, -1)]
        return [(a - b) / (2 * step) for a, b in zip(*ends)]

    exact = [(f - w) / RATE for f, w in zip(first, whole)]
    return (of_kinds("dalpha", whole) | of_kinds("first_term", first) | of_kinds("product", exact)
            | of_kinds("product_radius", differences(RADIUS))
            | of_kinds("product_small_radius", differences(SMALL_RADIUS)))
