"""Runs MODEL on the images in INPUT (little-endian f32 of shape N,C,H,W) and prints its output, one number a line.

Exit status 77: a package is missing. The model is checked first where the package `onnx` is there.
"""
import sys

try:
    import numpy
    import onnxruntime
except ImportError as error:
    print(error)
    sys.exit(77)

model, images, shape = sys.argv[1], sys.argv[2], [int(size) for size in sys.argv[3].split(",")]
try:
    import onnx
    onnx.checker.check_model(model, full_check=True)
except ImportError:
    pass
session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
batch = numpy.fromfile(images, dtype="<f4").reshape(shape)
for value in session.run(None, {"images": batch})[0].ravel():
    print(repr(float(value)))
