#!/usr/bin/env python3
"""Images a second of PyTorch with human-designed networks on the CPU, in both layouts: evaluation and training passes.

    python model_speed.py mobilenet-v2 resnet-20 --threads 2 --batch 64

Needs torch and torchvision. Beside it: eoinas bench inference NAME --threads 2 --batch 64 (and with --train)."""
import argparse
import statistics
import time

import torch
from torch.nn import functional as F

import model_counts


def median_seconds(run, runs):
    times = []
    for index in range(runs + 2):
        start = time.perf_counter()
        run()
        if index >= 2:
            times.append(time.perf_counter() - start)
    return statistics.median(times)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="+")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--batch", type=int, default=64)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    known = {}
    for name, form, width, depth, network in model_counts.networks():
        if name in args.names and form == "cifar" and width == 1.0 and depth == "":
            known[name] = network
    images, labels = torch.randn(args.batch, 3, 32, 32), torch.zeros(args.batch, dtype=torch.long)
    for name in args.names:
        for label, form in [("NCHW", torch.contiguous_format), ("channels_last", torch.channels_last)]:
            network, batch = known[name].to(memory_format=form), images.contiguous(memory_format=form)

            def train():
                network.zero_grad(set_to_none=True)
                F.cross_entropy(network(batch), labels).backward()

            network.eval()
            with torch.inference_mode():
                evaluated = args.batch / median_seconds(lambda: network(batch), args.runs)
            network.train()
            trained = args.batch / median_seconds(train, args.runs)
            print(f"{name:18} {label:14} evaluation {evaluated:8.1f} images/s, training {trained:8.1f} images/s", flush=True)


if __name__ == "__main__":
    main()
