//! Global pooling, classifier, loss and dropout.

mod common;

use candle_core::{Device, Tensor};
use common::numeric::{dot, gradient};
use common::{Values, array, assert_close, flat, wide};
use eoinas_kernels::elementwise::{dropout_backward, dropout_forward};
use eoinas_kernels::head::{
    binary_cross_entropy, cross_entropy, global_average_pool, global_average_pool_backward, linear_backward,
    linear_forward, mean_squared_error, top_k_correct, weighted_cross_entropy,
};
use eoinas_kernels::reference::{Array, head};
use eoinas_kernels::{KernelError, OutputLoss, Workspace};

#[test]
fn global_pool_of_joined_sources() {
    for (n, h, w, channels) in
        [(2, 3, 2, vec![3]), (3, 1, 1, vec![4, 5]), (2, 4, 5, vec![16, 20, 1]), (33, 2, 2, vec![8, 8])]
    {
        let mut values = Values::new(n as u64);
        let ws = Workspace::new();
        let sources: Vec<Tensor> = channels.iter().map(|&c| values.tensor(&[n, h, w, c])).collect();
        let refs: Vec<&Tensor> = sources.iter().collect();
        let out = global_average_pool(&ws, &refs).unwrap();
        let arrays: Vec<Array<f64>> = sources.iter().map(array).collect();
        let expected: Vec<f64> = head::global_average_pool(&arrays).into_iter().flatten().collect();
        assert_close("pooled", &flat(&out), &expected, 1e-5);

        let d = values.tensor(out.dims());
        let existing: Vec<Tensor> = sources.iter().map(|s| values.tensor(s.dims())).collect();
        let before: Vec<Vec<f64>> = existing.iter().map(wide).collect();
        global_average_pool_backward(&d, &existing.iter().collect::<Vec<_>>()).unwrap();
        for (t, got) in existing.iter().enumerate() {
            let expected = gradient(&arrays[t].data, |x| {
                let mut arrays = arrays.clone();
                arrays[t].data = x.to_vec();
                dot(&head::global_average_pool(&arrays).concat(), &wide(&d))
            });
            let expected: Vec<f64> = expected.iter().zip(&before[t]).map(|(g, b)| g + b).collect();
            assert_close("gradient", &flat(got), &expected, 1e-4);
        }
    }
    let ws = Workspace::new();
    assert!(matches!(global_average_pool(&ws, &[]), Err(KernelError::Argument { .. })));
    let (a, b) = (Values::new(1).tensor(&[2, 1, 1, 3]), Values::new(1).tensor(&[3, 1, 1, 3]));
    assert!(
        matches!(global_average_pool(&ws, &[&a, &b]), Err(KernelError::Tensor { got, .. }) if got.starts_with("shape"))
    );
}

#[test]
fn linear_and_its_gradients() {
    for (n, k, m) in [(1, 1, 1), (3, 5, 2), (4, 16, 10), (7, 20, 33)] {
        let mut values = Values::new((n * k * m) as u64);
        let ws = Workspace::new();
        let (x, weight, bias) = (values.tensor(&[n, k]), values.tensor(&[k, m]), values.tensor(&[m]));
        let d = values.tensor(&[n, m]);
        let forward = |x: &[f64], weight: &[f64], bias: &[f64]| -> Vec<f64> {
            let value = |i: usize, j: usize| (0..k).map(|l| x[i * k + l] * weight[l * m + j]).sum::<f64>() + bias[j];
            (0..n).flat_map(|i| (0..m).map(move |j| (i, j))).map(|(i, j)| value(i, j)).collect()
        };
        let (wx, ww, wb, wd) = (wide(&x), wide(&weight), wide(&bias), wide(&d));
        assert_close("y", &flat(&linear_forward(&ws, &x, &weight, &bias).unwrap()), &forward(&wx, &ww, &wb), 1e-5);
        let got = linear_backward(&ws, &x, &weight, &d, true, true).unwrap();
        let close =
            |what, got: Option<Tensor>, expected: Vec<f64>| assert_close(what, &flat(&got.unwrap()), &expected, 1e-4);
        close("dx", got.input, gradient(&wx, |x| dot(&forward(x, &ww, &wb), &wd)));
        close("dw", got.weight, gradient(&ww, |w| dot(&forward(&wx, w, &wb), &wd)));
        close("db", got.bias, gradient(&wb, |b| dot(&forward(&wx, &ww, b), &wd)));
        let none = linear_backward(&ws, &x, &weight, &d, false, false).unwrap();
        assert!(none.input.is_none() && none.weight.is_none() && none.bias.is_none());
    }
    let (x, weight) = (Values::new(1).tensor(&[2, 3]), Values::new(1).tensor(&[4, 2]));
    assert!(matches!(
        linear_forward(&Workspace::new(), &x, &weight, &x),
        Err(KernelError::Tensor { tensor: "weight", got, .. }) if got.starts_with("shape")
    ));
}

/// The loss by its definition over each image's own, the gradient by finite differences of it.
#[test]
fn weighted_loss_against_definition() {
    let (n, classes) = (6, 4);
    let logits = (Values::new(3).tensor(&[n, classes]) * 5.0).unwrap();
    let (labels, weights) = ([0, 1, 1, 3, 3, 0], [0.25f32, 2.0, 7.0, 0.0]);
    for smoothing in [0.0, 0.1] {
        let got = weighted_cross_entropy(&Workspace::new(), &logits, &labels, smoothing, &weights).unwrap();
        let loss = |x: &[f64]| {
            let images = x.chunks(classes).zip(&labels);
            let of = |(row, label): (&[f64], &u32)| {
                f64::from(weights[*label as usize]) * head::cross_entropy(row, &[*label], f64::from(smoothing))
            };
            images.map(of).sum::<f64>() / n as f64
        };
        assert!((got.loss - loss(&wide(&logits))).abs() < 1e-6, "{}", got.loss);
        assert_close("dlogits", &flat(&got.dlogits), &gradient(&wide(&logits), loss), 1e-4);
        let (even, plain) = (
            weighted_cross_entropy(&Workspace::new(), &logits, &labels, smoothing, &[1.0; 4]).unwrap(),
            cross_entropy(&Workspace::new(), &logits, &labels, smoothing).unwrap(),
        );
        // Not to the byte: on a GPU the one with weights runs on the CPU.
        assert!((even.loss - plain.loss).abs() < 1e-6, "{} {}", even.loss, plain.loss);
        assert_close("dlogits", &flat(&even.dlogits), &wide(&plain.dlogits), 1e-6);
    }
    let error = weighted_cross_entropy(&Workspace::new(), &logits, &labels, 0.0, &[1.0; 3]).unwrap_err().to_string();
    assert!(error.contains("weights") && error.contains("each of the 4 classes"), "{error}");
}

#[test]
fn loss_against_definition() {
    for (n, classes) in [(1, 1), (1, 2), (5, 10), (64, 10), (3, 1000)] {
        let logits = (Values::new(classes as u64).tensor(&[n, classes]) * 5.0).unwrap();
        let labels: Vec<u32> = (0..n as u32).map(|i| i * 7 % classes as u32).collect();
        for smoothing in [0.0, 0.1] {
            let got = cross_entropy(&Workspace::new(), &logits, &labels, smoothing).unwrap();
            let loss = |x: &[f64]| head::cross_entropy(x, &labels, f64::from(smoothing));
            assert!((got.loss - loss(&wide(&logits))).abs() < 1e-6);
            if n * classes < 1000 {
                assert_close("dlogits", &flat(&got.dlogits), &gradient(&wide(&logits), loss), 1e-4);
            }
            let rows: Vec<Vec<f32>> = logits.to_vec2().unwrap();
            let best = |row: &Vec<f32>| (0..classes).reduce(|a, b| if row[b] > row[a] { b } else { a }).unwrap() as u32;
            assert_eq!(got.correct, rows.iter().zip(&labels).filter(|(row, label)| best(row) == **label).count());
            assert_eq!(top_k_correct(&logits, &labels, 1).unwrap(), got.correct);
            assert_eq!(top_k_correct(&logits, &labels, classes).unwrap(), n);
        }
    }
}

#[test]
fn losses_of_numbers_and_of_labels_against_their_definitions() {
    type Loss = fn(&Workspace, &Tensor, &[f32]) -> eoinas_kernels::Result<OutputLoss>;
    type Reference = fn(&[f64], &[f64]) -> f64;
    let losses: [(Loss, Reference); 2] =
        [(mean_squared_error, head::mean_squared_error), (binary_cross_entropy, head::binary_cross_entropy)];
    let ws = Workspace::new();
    for (loss, reference) in losses {
        for (n, outputs) in [(1, 1), (1, 3), (5, 2), (64, 7)] {
            let logits = (Values::new(outputs as u64).tensor(&[n, outputs]) * 5.0).unwrap();
            let targets: Vec<f32> = (0..n * outputs).map(|i| (i * 7 % 3) as f32 / 2.0).collect();
            let wide_targets: Vec<f64> = targets.iter().map(|t| f64::from(*t)).collect();
            let got = loss(&ws, &logits, &targets).unwrap();
            let expected = |x: &[f64]| reference(x, &wide_targets);
            assert!((got.loss - expected(&wide(&logits))).abs() < 1e-6, "{}", got.loss);
            assert_eq!(got.dlogits.dims(), [n, outputs]);
            assert_close("dlogits", &flat(&got.dlogits), &gradient(&wide(&logits), expected), 1e-4);
        }
        let logits = |values: &[f32]| Tensor::new(values, &Device::Cpu).unwrap().reshape((1, values.len())).unwrap();
        assert!(!loss(&ws, &logits(&[f32::NAN, 0.0]), &[0.0, 1.0]).unwrap().loss.is_finite());
        for targets in [&[][..], &[1.0], &[1.0; 4]] {
            let error = loss(&ws, &logits(&[1.0, 2.0]), targets).unwrap_err();
            assert!(matches!(error, KernelError::Tensor { tensor: "logits", .. }), "{error}");
        }
    }
    // No overflow where a logit is far out.
    let far = Tensor::new(&[[1e30f32, -1e30]], &Device::Cpu).unwrap();
    let got = binary_cross_entropy(&ws, &far, &[1.0, 0.0]).unwrap();
    assert_eq!((got.loss, flat(&got.dlogits)), (0.0, vec![0.0; 2]));
}

#[test]
fn loss_of_extreme_and_broken_logits() {
    let logits = |values: &[f32]| Tensor::new(values, &Device::Cpu).unwrap().reshape((1, values.len())).unwrap();
    let ws = Workspace::new();
    let got = cross_entropy(&ws, &logits(&[1e30, -1e30, 0.0]), &[0], 0.0).unwrap();
    assert_eq!((got.loss, got.correct, flat(&got.dlogits)), (0.0, 1, vec![0.0; 3]));
    for broken in [[f32::NAN, 0.0, 1.0], [f32::INFINITY, 0.0, 1.0], [f32::NEG_INFINITY; 3]] {
        let got = cross_entropy(&ws, &logits(&broken), &[0], 0.1).unwrap();
        assert!(!got.loss.is_finite(), "{broken:?}: {}", got.loss);
    }
    let nan = logits(&[f32::NAN; 3]);
    assert_eq!(cross_entropy(&ws, &nan, &[0], 0.0).unwrap().correct, 0);
    assert_eq!(top_k_correct(&nan, &[0], 2).unwrap(), 0);
    let error = cross_entropy(&ws, &nan, &[3], 0.0).unwrap_err();
    assert!(matches!(error, KernelError::Argument { argument: "labels", .. }), "{error}");
    assert!(error.to_string().contains("3 for image 0") && error.to_string().contains("has 3 (0 to 2)"), "{error}");
    assert!(
        matches!(cross_entropy(&ws, &nan, &[0, 1], 0.0), Err(KernelError::Tensor { got, .. }) if got.starts_with("shape"))
    );
    // Ties go to the first class.
    assert_eq!(top_k_correct(&logits(&[1.0, 1.0, 1.0]), &[1], 1).unwrap(), 0);
    assert_eq!(top_k_correct(&logits(&[1.0, 1.0, 1.0]), &[1], 2).unwrap(), 1);
}

#[test]
fn dropout_keeps_what_the_mask_keeps() {
    for len in [1, 50, 4096, 10_000] {
        let mut values = Values::new(len as u64);
        let (x, existing) = (values.tensor(&[len]), values.tensor(&[len]));
        let keep: Vec<u8> = (0..len).map(|i| u8::from(i % 3 != 1)).collect();
        let y = dropout_forward(&Workspace::new(), &x, &keep, 0.2).unwrap();
        let expected: Vec<f64> = wide(&x).iter().zip(&keep).map(|(x, &k)| x / 0.8 * f64::from(k)).collect();
        assert_close("y", &flat(&y), &expected, 1e-6);
        let target = existing.copy().unwrap();
        dropout_backward(&target, &x, &keep, 0.2, 0.5, true).unwrap();
        let added: Vec<f64> = expected.iter().zip(wide(&existing)).map(|(y, e)| 0.5 * y + e).collect();
        assert_close("dx", &flat(&target), &added, 1e-6);
        dropout_backward(&target, &x, &keep, 0.2, 0.5, false).unwrap();
        let written: Vec<f64> = expected.iter().map(|y| 0.5 * y).collect();
        assert_close("dx", &flat(&target), &written, 1e-6);
    }
    let x = Tensor::new(&[f32::INFINITY, 1.0], &Device::Cpu).unwrap();
    assert_eq!(flat(&dropout_forward(&Workspace::new(), &x, &[0, 1], 0.5).unwrap()), [0.0, 2.0]);
    for p in [-0.1, 1.0, f32::NAN] {
        assert!(matches!(dropout_forward(&Workspace::new(), &x, &[0, 1], p), Err(KernelError::Argument { .. })));
    }
    assert!(matches!(dropout_forward(&Workspace::new(), &x, &[0], 0.5), Err(KernelError::Argument { .. })));
}
