"""What a network has besides its candidate ops, and the optimisers."""
import torch
import torch.nn.functional as F

from network import Scope, auxiliary, classifier, factorised_reduce, nchw, nhwc, relu_conv_bn, stem
from recorder import gradients, named, snapshot

FILE = "parts.safetensors"


def record(recorder):
    for size, hw in (("even", (8, 8)), ("odd", (7, 6))):
        for affine in (False, True):
            form = ".affine" if affine else ""
            recorder.case(f"relu_conv_bn.{size}{form}", preprocessing, relu_conv_bn, {"conv": (12, 4)}, hw, affine)
            recorder.case(f"factorized_reduce.{size}{form}", preprocessing, factorised_reduce,
                          {"conv_1": (12, 2), "conv_2": (12, 2)}, hw, affine)
        recorder.case(f"stem.{size}", stem_values, hw)
    for smoothing in (0.0, 0.1):
        recorder.case(f"cross_entropy.smoothing_{smoothing}", cross_entropy, smoothing)
    recorder.case("classifier", classifier_values)
    for name, hw, stride, last_norm in (("cifar", (8, 8), 3, True), ("imagenet", (7, 7), 2, False),
                                        ("larger", (12, 9), 3, True)):
        recorder.case(f"auxiliary.{name}", auxiliary_values, hw, stride, last_norm)
    recorder.case("drop_path", masked, (4, 1, 1, 1), 0.3)
    recorder.case("dropout", masked, (4, 3, 5, 6), 0.2)
    for training in (True, False):
        for affine in (False, True):
            name = f"batch_norm.{'train' if training else 'eval'}.{'affine' if affine else 'plain'}"
            recorder.case(name, batch_norm, training, affine)
    recorder.case("clip_grad_norm", clip_grad_norm)
    recorder.case("sgd", optimiser, lambda w: torch.optim.SGD(w, lr=0.025, momentum=0.9, weight_decay=3e-4),
                  {"momentum_buffer": "momentum"})
    recorder.case("adam", optimiser,
                  lambda w: torch.optim.Adam(w, lr=3e-4, betas=(0.5, 0.999), eps=1e-8, weight_decay=1e-3),
                  {"exp_avg": "exp_avg", "exp_avg_sq": "exp_avg_sq"})


def layer(x, params, y, inputs):
    dy = inputs.normal(*y.shape)
    y.backward(dy)
    return {"x": x, "y": y, "dy": dy, "dx": x.grad} | named("param", params) | gradients("grad", params)


def preprocessing(inputs, apply, shapes, hw, affine):
    x = inputs.normal(2, *hw, 12)
    params = inputs.parameters(shapes | ({"bn.gamma": (4,), "bn.beta": (4,)} if affine else {}))
    return layer(x, params, apply(Scope(params), x), inputs)


def stem_values(inputs, hw):
    x = inputs.normal(2, *hw, 3)
    params = inputs.parameters({"stem.conv": (3, 3, 3, 12), "stem.bn.gamma": (12,), "stem.bn.beta": (12,)})
    return layer(x, params, stem(Scope(params), x), inputs)


def classifier_values(inputs):
    x = inputs.normal(3, 4, 5, 16)
    params = inputs.parameters({"classifier.weight": (16, 5), "classifier.bias": (5,)})
    return layer(x, params, classifier(Scope(params), x), inputs)


def auxiliary_values(inputs, hw, stride, last_norm):
    """The published widths are 128 and 768; here they are 6 and 10."""
    x = inputs.normal(5, *hw, 8)
    shapes = {"0.conv": (8, 6), "0.bn.gamma": (6,), "0.bn.beta": (6,), "1.conv": (24, 10),
              "classifier.weight": (10, 5), "classifier.bias": (5,)}
    shapes |= {"1.bn.gamma": (10,), "1.bn.beta": (10,)} if last_norm else {}
    params = inputs.parameters(shapes)
    return layer(x, params, auxiliary(Scope(params), x, stride), inputs)


def cross_entropy(inputs, smoothing):
    """The mean over the batch."""
    logits, labels = inputs.normal(6, 10, std=3.0), inputs.integers(10, 6)
    loss = F.cross_entropy(logits, labels, label_smoothing=smoothing)
    loss.backward()
    correct = (logits.argmax(-1) == labels).sum()
    return {"logits": logits, "labels": labels, "loss": loss, "dlogits": logits.grad, "correct": correct}


def masked(inputs, mask_shape, probability):
    """Dropout (a mask for each value) and drop-path (one for each image): what is kept is divided by 1 - p."""
    x, dy = inputs.normal(4, 3, 5, 6), inputs.normal(4, 3, 5, 6)
    kept = (inputs.uniform(*mask_shape) >= probability).to(x.dtype)
    y = x * kept / (1 - probability)
    y.backward(dy)
    mask = kept.flatten() if kept.numel() == kept.shape[0] else kept
    return {"x": x, "mask": mask, "probability": probability, "y": y, "dy": dy, "dx": x.grad}


def batch_norm(inputs, training, affine):
    """Momentum 0.1, eps 1e-5; the running variance takes the unbiased one of the batch."""
    x = inputs.normal(3, 4, 5, 6, mean=0.5, std=2.0)
    params = inputs.parameters({"gamma": (6,), "beta": (6,)}) if affine else {}
    mean, var = inputs.normal(6).detach(), inputs.normal(6).detach().abs() + 0.5
    before = {"mean": mean.clone(), "var": var.clone()}
    y = nhwc(F.batch_norm(nchw(x), mean, var, params.get("gamma"), params.get("beta"), training, 0.1, 1e-5))
    after = {"mean": mean, "var": var}
    return layer(x, params, y, inputs) | named("running_before", before) | named("running_after", after)


def clip_grad_norm(inputs):
    """Two tensors of gradients clipped together: to a limit above their norm, then to one below it."""
    tensors = {"a": inputs.normal(4, 8), "b": inputs.normal(7)}
    for t in tensors.values():
        t.grad = inputs.normal(*t.shape, std=2.0).detach()
    results = {}
    for name, limit in (("loose", 100.0), ("tight", 5.0)):
        before = gradients("grad", tensors)
        results |= named(name, snapshot(before))
        norm = torch.nn.utils.clip_grad_norm_(tensors.values(), limit)
        results |= named(name, {"limit": limit, "norm": norm} | snapshot(gradients("clipped", tensors)))
    return results


def optimiser(inputs, make, state_names):
    """Three steps with given gradients."""
    w = inputs.normal(4, 8, std=0.1)
    opt = make([w])
    results = {"param": w.detach().clone()}
    for step in range(3):
        w.grad = inputs.normal(4, 8).detach()
        opt.step()
        state = {f"step.{step}.{ours}": opt.state[w][theirs].clone() for theirs, ours in state_names.items()}
        results |= {f"step.{step}.grad": w.grad, f"step.{step}.after": w.detach().clone()} | state
    return results
