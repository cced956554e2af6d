"""A small supernet: a pass in mixture mode, then two whole search steps (weights, then alphas) in sampled mode."""
import torch
import torch.nn.functional as F

from network import EDGES, OPS, Supernet
from recorder import gradients, named, snapshot

FILE = "supernet_step.safetensors"
CHANNELS, CELLS, CLASSES, BATCH, SIZE = 4, 3, 5, 4, 8
KINDS = ("normal", "reduce")
TEMPERATURES = (5.0, 2.5)


def record(recorder):
    recorder.case("supernet", supernet)


def supernet(inputs):
    net = Supernet(CHANNELS, CELLS, CLASSES)
    weights = inputs.parameters(net.shapes)
    alphas = [inputs.normal(len(EDGES), len(OPS), std=0.05) for _ in KINDS]
    results = named("param", snapshot(weights)) | of_kinds("alpha", alphas)
    results |= named("mixture", mixture_pass(net, weights, alphas, Pass(inputs, alphas, TEMPERATURES[0])))
    sgd = torch.optim.SGD(weights.values(), lr=0.025, momentum=0.9, weight_decay=3e-4)
    adam = torch.optim.Adam(alphas, lr=3e-4, betas=(0.5, 0.999), eps=1e-8, weight_decay=1e-3)
    for step, temperature in enumerate(TEMPERATURES):
        of_weights = weight_step(net, weights, Pass(inputs, alphas, temperature), sgd)
        of_alphas = arch_step(net, weights, alphas, Pass(inputs, alphas, temperature), adam)
        results |= named(f"step.{step}.weight", of_weights) | named(f"step.{step}.arch", of_alphas)
    return results


def of_kinds(what, tensors):
    return {f"{what}.{kind}": t.detach().clone() for kind, t in zip(KINDS, tensors)}


class Pass:
    """Inputs of one pass: a batch and a draw, `h` by Eq. 5 from the given Gumbel noise."""

    def __init__(self, inputs, alphas, temperature):
        self.images = inputs.normal(BATCH, SIZE, SIZE, 3)
        self.labels = inputs.integers(CLASSES, BATCH)
        self.temperature = torch.tensor(temperature, dtype=inputs.dtype)
        self.noise = [inputs.gumbel(len(EDGES), len(OPS)) for _ in KINDS]
        self.h = [F.softmax((a + n) / self.temperature, -1) for a, n in zip(alphas, self.noise)]
        self.path = [h.argmax(-1) for h in self.h]

    def run(self, net, weights, gates):
        """Loss, and what is recorded of the pass."""
        logits = net.logits(weights, self.images, gates)
        loss = F.cross_entropy(logits, self.labels)
        correct = (logits.argmax(-1) == self.labels).sum()
        return loss, ({"images": self.images, "labels": self.labels, "temperature": self.temperature,
                       "logits": logits, "loss": loss, "correct": correct}
                      | of_kinds("noise", self.noise) | of_kinds("h", self.h) | of_kinds("path", self.path))


def mixture_pass(net, weights, alphas, given):
    """All ops of an edge, each times its `h`: gradients of everything."""
    for h in given.h:
        h.retain_grad()
    loss, results = given.run(net, weights, [[list(zip(OPS, row)) for row in h] for h in given.h])
    loss.backward()
    return (results | of_kinds("dgate", [h.grad for h in given.h]) | of_kinds("dalpha", [a.grad for a in alphas])
            | snapshot(gradients("grad", weights)))


def one_op(path, gates):
    return [[[(OPS[o], g)] for o, g in zip(*of_kind)] for of_kind in zip(path, gates)]


def weight_step(net, weights, given, sgd):
    """Gates are 1; ops off the path get no gradient, and the optimiser leaves them and their momentum alone."""
    sgd.zero_grad(set_to_none=True)
    loss, results = given.run(net, weights, one_op(given.path, [[1.0] * len(EDGES)] * len(KINDS)))
    loss.backward()
    results |= snapshot(gradients("grad", weights))
    norm = torch.nn.utils.clip_grad_norm_(weights.values(), 5.0)
    sgd.step()
    used = {name: w for name, w in weights.items() if w.grad is not None}
    momentum = {name: sgd.state[w]["momentum_buffer"] for name, w in used.items()}
    return results | {"grad_norm": norm} | named("after", snapshot(used)) | named("momentum", snapshot(momentum))


def arch_step(net, weights, alphas, given, adam):
    """The sampled op's gate is 1 and alone gets a gradient; Eq. 5's Jacobian spreads it over the edge's alphas."""
    frozen = {name: w.detach() for name, w in weights.items()}
    gates = [torch.ones(len(EDGES), dtype=a.dtype, requires_grad=True) for a in alphas]
    loss, results = given.run(net, frozen, one_op(given.path, gates))
    loss.backward()
    for alpha, h, path, gate in zip(alphas, given.h, given.path, gates):
        upstream = torch.zeros_like(h).scatter(-1, path[:, None], gate.grad[:, None])
        (alpha.grad,) = torch.autograd.grad(h, alpha, upstream)
    results |= of_kinds("dgate", [g.grad for g in gates]) | of_kinds("dalpha", [a.grad for a in alphas])
    norm = torch.nn.utils.clip_grad_norm_(alphas, 5.0)
    adam.step()
    return (results | {"grad_norm": norm} | of_kinds("after", alphas)
            | of_kinds("exp_avg", [adam.state[a]["exp_avg"] for a in alphas])
            | of_kinds("exp_avg_sq", [adam.state[a]["exp_avg_sq"] for a in alphas]))
