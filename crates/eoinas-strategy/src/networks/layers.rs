//! Layers. Weights are `[input, output]`.

use candle_core::{DType, Device, Result, Tensor, Var};
use rand::{Rng, RngExt};

use super::gates::gated;

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

/// One layer of long short-term memory. The gates' weights stand beside each other: input, forget, candidate, output.
#[derive(Clone, Debug)]
pub(crate) struct Lstm {
    input: Linear,
    hidden: Tensor,
    size: usize,
}

impl Lstm {
    /// Uniform up to 1 / sqrt(size), as PyTorch begins.
    pub fn new(weights: &mut Weights, input: usize, size: usize) -> Result<Self> {
        let bound = 1.0 / (size as f32).sqrt();
        let mut draw = |rows| weights.uniform((rows, 4 * size), bound);
        Ok(Self { input: Linear { weight: draw(input)?, bias: draw(1)? }, hidden: draw(size)?, size })
    }

    /// Zeros for hidden and cell, `[batch, size]`.
    pub fn zeros(&self, batch: usize) -> Result<(Tensor, Tensor)> {
        let zeros = Tensor::zeros((batch, self.size), DType::F32, &Device::Cpu)?;
        Ok((zeros.clone(), zeros))
    }

    /// What the gates read of an embedding's tokens: one product for all steps, as the same few tokens come again and again.
    pub fn reading(&self, tokens: &Embedding) -> Result<Embedding> {
        Ok(Embedding(self.input.forward(&tokens.0)?))
    }

    /// One step, by what the gates read, `[batch, 4 size]`.
    pub fn step(&self, read: &Tensor, (hidden, cell): (Tensor, Tensor)) -> Result<(Tensor, Tensor)> {
        gated(&(read + hidden.matmul(&self.hidden)?)?, &cell)
    }

    /// The hidden state after each of these tokens `[batch, length]`, and the last state.
    pub fn forward(
        &self,
        reading: &Embedding,
        tokens: &Tensor,
        mut state: (Tensor, Tensor),
    ) -> Result<(Vec<Tensor>, (Tensor, Tensor))> {
        let mut outputs = Vec::with_capacity(tokens.dim(1)?);
        for at in 0..tokens.dim(1)? {
            let tokens = tokens.narrow(1, at, 1)?.squeeze(1)?.contiguous()?;
            state = self.step(&reading.forward(&tokens)?, state)?;
            outputs.push(state.0.clone());
        }
        Ok((outputs, state))
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
        let embedding = Embedding::new(&mut weights, 5, 3).unwrap();
        let tokens = Tensor::new(&[[3u32, 0, 3, 4]], &Device::Cpu).unwrap();
        let (outputs, _) = lstm.forward(&lstm.reading(&embedding).unwrap(), &tokens, lstm.zeros(1).unwrap()).unwrap();
        let table = |tensor: &Tensor| tensor.to_vec2::<f32>().unwrap();
        let x = [3, 0, 3, 4].map(|token| table(&embedding.0)[token].clone());
        let (from, bias, again) = (table(&lstm.input.weight), table(&lstm.input.bias), table(&lstm.hidden));
        let (mut hidden, mut cell) = ([0f32; 2], [0f32; 2]);
        let sigmoid = |x: f32| 1.0 / (1.0 + (-x).exp());
        for (step, output) in x.iter().zip(&outputs) {
            let gates: Vec<f32> = (0..8)
                .map(|at| {
                    let read: f32 = (0..3).map(|x| step[x] * from[x][at]).sum();
                    read + (0..2).map(|h| hidden[h] * again[h][at]).sum::<f32>() + bias[0][at]
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
