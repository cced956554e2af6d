#!/usr/bin/env python3
"""Writes values/*.safetensors: what PyTorch computes for the ops, parts, cells and search steps. See README.md."""
from pathlib import Path

import torch

from cases import cells, models, ops, partial_channels, parts, published_names, searched, second_order, supernet_step
from recorder import Recorder


def main():
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    folder = Path(__file__).parent / "values"
    folder.mkdir(exist_ok=True)
    for module in (ops, parts, cells, supernet_step, second_order, partial_channels, published_names, models, searched):
        recorder = Recorder()
        module.record(recorder)
        recorder.save(folder / module.FILE)


if __name__ == "__main__":
    main()
