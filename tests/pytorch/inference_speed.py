#!/usr/bin/env python3
"""Images a second of an ONNX file in onnxruntime and, through onnx2torch, in PyTorch's eager mode.

    pip install onnx onnxruntime onnx2torch torch
    python inference_speed.py model.onnx --threads 2
"""
import argparse
import statistics
import time

import numpy as np


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
    parser.add_argument("model")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--batch", type=int, nargs="*", default=[1, 64])
    args = parser.parse_args()

    import onnxruntime
    import torch
    from onnx2torch import convert

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = args.threads
    session = onnxruntime.InferenceSession(args.model, options, providers=["CPUExecutionProvider"])
    entry = session.get_inputs()[0]
    torch.set_num_threads(args.threads)
    module = convert(args.model).eval()
    for batch in args.batch:
        images = np.random.default_rng(0).normal(size=(batch, *entry.shape[1:])).astype(np.float32)
        seconds = median_seconds(lambda: session.run(None, {entry.name: images}), args.runs)
        print(f"onnxruntime       batch {batch:3}: {1e3 * seconds:8.1f} ms, {batch / seconds:8.1f} images/s", flush=True)
        for name, form in [("NCHW", torch.contiguous_format), ("channels_last", torch.channels_last)]:
            tensor = torch.from_numpy(images).contiguous(memory_format=form)
            laid_out = module.to(memory_format=form)
            with torch.inference_mode():
                seconds = median_seconds(lambda: laid_out(tensor), args.runs)
            label = f"PyTorch {name}"
            print(f"{label:22} batch {batch:3}: {1e3 * seconds:8.1f} ms, {batch / seconds:8.1f} images/s", flush=True)


if __name__ == "__main__":
    main()
