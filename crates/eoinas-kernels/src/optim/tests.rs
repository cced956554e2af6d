use candle_core::{Device, Tensor};

use super::{sgd_update, sum_of_squares};
use crate::error::KernelError;
use crate::view::{SgdStep, Update};

fn tensor(values: &[f32]) -> Tensor {
    Tensor::new(values, &Device::Cpu).unwrap()
}

#[test]
fn two_steps_by_hand() {
    let (value, gradient, momentum) = (tensor(&[1.0, -2.0]), tensor(&[0.5, 4.0]), tensor(&[0.0, 0.0]));
    let step = SgdStep { lr: 0.1, momentum: 0.5, weight_decay: 0.25, gradient_scale: 0.5 };
    let updates = [Update { value: &value, gradient: &gradient, momentum: &momentum }];
    sgd_update(&updates, &step).unwrap();
    // g = 0.5 * 0.5 + 0.25 * 1, 0.5 * 4 + 0.25 * -2
    assert_eq!(momentum.to_vec1::<f32>().unwrap(), [0.5, 1.5]);
    assert_eq!(value.to_vec1::<f32>().unwrap(), [0.95, -2.15]);
    sgd_update(&updates, &step).unwrap();
    let m: [f32; 2] = [0.25 + 0.25 + 0.25 * 0.95, 0.75 + 2.0 + 0.25 * -2.15];
    for (got, expected) in momentum.to_vec1::<f32>().unwrap().iter().zip(m) {
        assert!((got - expected).abs() < 1e-6);
    }
}

#[test]
fn shared_memory_is_refused() {
    let value = tensor(&[1.0, 2.0]);
    let step = SgdStep { lr: 0.1, momentum: 0.0, weight_decay: 0.0, gradient_scale: 1.0 };
    let view = value.reshape(2).unwrap();
    for (gradient, momentum) in [(&view, &tensor(&[0.0, 0.0])), (&tensor(&[0.0, 0.0]), &view)] {
        let updates = [Update { value: &value, gradient, momentum }];
        assert!(
            matches!(sgd_update(&updates, &step), Err(KernelError::Tensor { got, .. }) if got.contains("another tensor"))
        );
    }
    assert_eq!(value.to_vec1::<f32>().unwrap(), [1.0, 2.0]);
}

#[test]
fn sum_of_squares_of_several() {
    assert_eq!(sum_of_squares(&[&tensor(&[3.0, 4.0]), &tensor(&[1.0])]).unwrap(), 26.0);
}
