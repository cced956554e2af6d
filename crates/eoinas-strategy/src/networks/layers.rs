//! Layers. Weights are `[input, output]`.

use candle_core::{DType, Device, Result, Tensor, Var};
use candle_nn::ops::sigmoid;
use rand::{Rng, RngExt};

/// Makes weights, and remembers them for the optimiser.
pub(crate) struct Weights<'a> {
    rng: &'a mut dyn Rng,
    pub all: Vec<Var>,
}

impl<'a> Weights<'a> {
    pub fn new(rng: &'a mut dyn Rng) -> Self {
        Self { rng, all: Vec::new() }
    }

    /// Uniform between -`bound` and `bound`.
    fn uniform(&mut self, shape: (usize, usize), bound: f32) -> Result<Tensor> {
        let values: Vec<f32> = (0..shape.0 * shape.1).map(|_| self.rng.random_range(-bound..=bound)).collect();
        let var = Var::from_tensor(&Tensor::from_vec(values, shape, &Device::Cpu)?)?;
        let tensor = var.as_tensor().clone();
        self.all.push(var);
        Ok(tensor)
    }
}

/// A row of numbers for each token.
#[derive(Clone, Debug)]
pub(crate) struct Embedding(Tensor);

impl Embedding {
    /// With variance 1.
    pub fn new(weights: &mut Weights, tokens: usize, size: usize) -> Result<Self> {
        Ok(Self(weights.uniform((tokens, size), 3f32.sqrt())?))
    }

    /// `[batch]` of tokens to `[batch, size]`.
    pub fn forward(&self, tokens: &Tensor) -> Result<Tensor> {
        self.0.index_select(tokens, 0)
    }

    /// The same for each step of `[batch, length]`.
    pub fn steps(&self, tokens: &Tensor) -> Result<Vec<Tensor>> {
        (0..tokens.dim(1)?).map(|at| self.forward(&tokens.narrow(1, at, 1)?.squeeze(1)?.contiguous()?)).collect()
    }
}

/// `x W + b`.
#[derive(Clone, Debug)]
pub(crate) struct Linear {
    weight: Tensor,
    bias: Tensor,
}

impl Linear {
    /// Uniform up to 1 / sqrt(input), as PyTorch begins.
    pub fn new(weights: &mut Weights, input: usize, output: usize) -> Result<Self> {
        let bound = 1.0 / (input as f32).sqrt();
        Ok(Self { weight: weights.uniform((input, output), bound)?, bias: weights.uniform((1, output), bound)? })
    }

    /// `[batch, input]` to `[batch, output]`.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        x.matmul(&self.weight)?.broadcast_add(&self.bias)
    }
}

/// One layer of long short-term memory. Gates (input, forget, cell, output) have weights of their own: small products, none of
/// which is worth more than one thread, and no pieces of a tensor that gradients would have to be put together from.
#[derive(Clone, Debug)]
pub(crate) struct Lstm {
    input: [Linear; 4],
    hidden: [Tensor; 4],
    size: usize,
}

impl Lstm {
    /// Uniform up to 1 / sqrt(size), as PyTorch begins.
    pub fn new(weights: &mut Weights, input: usize, size: usize) -> Result<Self> {
        let bound = 1.0 / (size as f32).sqrt();
        let mut read = || {
            let weight = weights.uniform((input, size), bound)?;
            Result::Ok(Linear { weight, bias: weights.uniform((1, size), bound)? })
        };
        let input = [read()?, read()?, read()?, read()?];
        let mut again = || weights.uniform((size, size), bound);
        Ok(Self { input, hidden: [again()?, again()?, again()?, again()?], size })
    }

    /// Zeros for hidden and cell, `[batch, size]`.
    pub fn zeros(&self, batch: usize) -> Result<(Tensor, Tensor)> {
        let zeros = Tensor::zeros((batch, self.size), DType::F32, &Device::Cpu)?;
        Ok((zeros.clone(), zeros))
    }

    /// One step of `[batch, input]`.
    pub fn step(&self, x: &Tensor, state: (Tensor, Tensor)) -> Result<(Tensor, Tensor)> {
        let [one, two, three, four] = &self.input;
        self.gated([one.forward(x)?, two.forward(x)?, three.forward(x)?, four.forward(x)?], state)
    }

    /// The hidden state after each of these steps of `[batch, input]`, and the last state.
    pub fn forward(&self, steps: &[Tensor], mut state: (Tensor, Tensor)) -> Result<(Vec<Tensor>, (Tensor, Tensor))> {
        let mut outputs = Vec::with_capacity(steps.len());
        for x in steps {
            state = self.step(x, state)?;
            outputs.push(state.0.clone());
        }
        Ok((outputs, state))
    }

    fn gated(&self, read: [Tensor; 4], (hidden, cell): (Tensor, Tensor)) -> Result<(Tensor, Tensor)> {
        let [input, forget, candidate, output] = read;
        let [one, two, three, four] = &self.hidden;
        let gate = |read: Tensor, weight: &Tensor| read + hidden.matmul(weight)?;
        let kept = (sigmoid(&gate(forget, two)?)? * cell)?;
        let new = (sigmoid(&gate(input, one)?)? * gate(candidate, three)?.tanh()?)?;
        let cell = (kept + new)?;
        Ok(((sigmoid(&gate(output, four)?)? * cell.tanh()?)?, cell))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eoinas_core::{SeedStream, Streams};

    /// The definition, number by number.
    #[test]
    fn the_lstm_is_its_definition() {
        let mut rng = Streams::new(1).rng(SeedStream::Named("lstm"), 0, 0);
        let mut weights = Weights::new(&mut rng);
        let lstm = Lstm::new(&mut weights, 3, 2).unwrap();
        let x: Vec<Tensor> = (0..4).map(|_| weights.uniform((1, 3), 1.0).unwrap()).collect();
        let (outputs, _) = lstm.forward(&x, lstm.zeros(1).unwrap()).unwrap();
        let table = |tensor: &Tensor| tensor.to_vec2::<f32>().unwrap();
        let from = lstm.input.each_ref().map(|gate| table(&gate.weight));
        let bias = lstm.input.each_ref().map(|gate| table(&gate.bias));
        let again = lstm.hidden.each_ref().map(table);
        let (mut hidden, mut cell) = ([0f32; 2], [0f32; 2]);
        let sigmoid = |x: f32| 1.0 / (1.0 + (-x).exp());
        for (step, output) in x.iter().map(table).zip(&outputs) {
            let gates: Vec<f32> = (0..8)
                .map(|at| {
                    let (gate, unit) = (at / 2, at % 2);
                    let read: f32 = (0..3).map(|x| step[0][x] * from[gate][x][unit]).sum();
                    read + (0..2).map(|h| hidden[h] * again[gate][h][unit]).sum::<f32>() + bias[gate][0][unit]
                })
                .collect();
            for unit in 0..2 {
                cell[unit] = sigmoid(gates[2 + unit]) * cell[unit] + sigmoid(gates[unit]) * gates[4 + unit].tanh();
                hidden[unit] = sigmoid(gates[6 + unit]) * cell[unit].tanh();
            }
            for (found, expected) in table(output)[0].iter().zip(hidden) {
                assert!((found - expected).abs() < 1e-6, "{found} {expected}");
            }
        }
    }
}
