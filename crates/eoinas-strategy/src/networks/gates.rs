//! What an LSTM makes of its gates, as one op: of such small tensors some twenty cost more than all products do.

use candle_core::{CpuStorage, CustomOp2, Error, IndexOp, Layout, Result, Shape, Tensor};

/// Hidden state and cell, each `[B, H]`, of the gates' inputs (input, forget, candidate, output; `[B, 4 H]`) and the cell before.
pub(super) fn gated(gates: &Tensor, cell: &Tensor) -> Result<(Tensor, Tensor)> {
    let states = gates.contiguous()?.apply_op2(&cell.contiguous()?, Gated)?;
    Ok((states.i(0)?, states.i(1)?))
}

struct Gated;

/// The gates of a row `[4 H]`.
type Row<'a> = [&'a [f32]; 4];

/// Puts the gates of each row through their nonlinearities.
fn open(gates: &mut [f32], size: usize) {
    for row in gates.chunks_exact_mut((4 * size).max(1)) {
        let (first, last) = row.split_at_mut(2 * size);
        let (candidate, output) = last.split_at_mut(size);
        first.iter_mut().for_each(|x| *x = sigmoid(*x));
        candidate.iter_mut().for_each(|x| *x = tanh(*x));
        output.iter_mut().for_each(|x| *x = sigmoid(*x));
    }
}

fn parts(row: &[f32], size: usize) -> Row<'_> {
    let (first, last) = row.split_at(2 * size);
    let ((input, forget), (candidate, output)) = (first.split_at(size), last.split_at(size));
    [input, forget, candidate, output]
}

/// Each row of the gates with the same of the cells.
fn rows<'a>(gates: &'a [f32], cells: &'a [f32], size: usize) -> impl Iterator<Item = (Row<'a>, &'a [f32])> {
    let gates = gates.chunks_exact((4 * size).max(1)).map(move |row| parts(row, size));
    gates.zip(cells.chunks_exact(size.max(1)))
}

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// To seven digits of 1, which is all that a gate's product shows.
fn tanh(x: f32) -> f32 {
    2.0 * sigmoid(2.0 * x) - 1.0
}

/// `e^x` to seven digits between -80 and 80, and beyond as there. Without a branch, so that several are worked out at once: half
/// of a training was the library's.
fn exp(x: f32) -> f32 {
    /// 1.5 * 2^23: a number of this size has no digits behind the point.
    const ROUND: f32 = 12_582_912.0;
    let x = x.clamp(-80.0, 80.0);
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let whole = shifted - ROUND;
    // ln 2 in two parts, the first with few digits, so that the difference is exact.
    let rest = (x - whole * 0.693_359_4) + whole * 2.121_944_4e-4;
    let series = [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0];
    let power = series.into_iter().fold(0.0, |sum, term| sum * rest + term);
    // The last bits of the shifted number are those of the whole one.
    power * f32::from_bits(shifted.to_bits().wrapping_add(127) << 23)
}

impl CustomOp2 for Gated {
    fn name(&self) -> &'static str {
        "gated"
    }

    fn cpu_fwd(
        &self,
        gates: &CpuStorage,
        at: &Layout,
        cell: &CpuStorage,
        cell_at: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (batch, size) = cell_at.shape().dims2()?;
        let (mut gates, cells) = (values(gates, at)?.to_vec(), values(cell, cell_at)?);
        open(&mut gates, size);
        let (mut hidden, mut new) = (Vec::with_capacity(2 * batch * size), Vec::with_capacity(batch * size));
        for ([input, forget, candidate, output], cells) in rows(&gates, cells, size) {
            let kept = forget.iter().zip(cells).map(|(forget, cell)| forget * cell);
            let added = input.iter().zip(candidate).map(|(input, candidate)| input * candidate);
            let before = new.len();
            new.extend(kept.zip(added).map(|(kept, added)| kept + added));
            hidden.extend(new.iter().skip(before).zip(output).map(|(cell, output)| output * tanh(*cell)));
        }
        hidden.extend(new);
        Ok((CpuStorage::F32(hidden), (2, batch, size).into()))
    }

    fn bwd(
        &self,
        gates: &Tensor,
        cell: &Tensor,
        states: &Tensor,
        slopes: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (batch, size) = cell.dims2()?;
        let read = |tensor: &Tensor| tensor.flatten_all()?.to_vec1::<f32>();
        let (mut all, cells, states, slopes) = (read(gates)?, read(cell)?, read(states)?, read(slopes)?);
        open(&mut all, size);
        let (_, new) = states.split_at(batch * size);
        let (of_hidden, of_new) = slopes.split_at(batch * size);
        let mut of_gates = Vec::with_capacity(all.len());
        let mut of_cells = Vec::with_capacity(cells.len());
        let mut states = new.iter().zip(of_hidden).zip(of_new);
        let slope = |gate: f32| gate * (1.0 - gate);
        let mut of_output = Vec::with_capacity(size);
        let mut of_cell = Vec::with_capacity(size);
        for ([input, forget, candidate, output], cells) in rows(&all, &cells, size) {
            of_output.clear();
            of_cell.clear();
            for (output, ((cell, of_hidden), of_new)) in output.iter().zip(states.by_ref().take(size)) {
                let shown = tanh(*cell);
                of_output.push(of_hidden * shown * slope(*output));
                of_cell.push(of_new + of_hidden * output * (1.0 - shown * shown));
            }
            let ways = || of_cell.iter().zip(input.iter().zip(candidate));
            of_gates.extend(ways().map(|(of_cell, (input, candidate))| of_cell * candidate * slope(*input)));
            let kept = of_cell.iter().zip(forget.iter().zip(cells));
            of_gates.extend(kept.map(|(of_cell, (forget, cell))| of_cell * cell * slope(*forget)));
            of_gates
                .extend(ways().map(|(of_cell, (input, candidate))| of_cell * input * (1.0 - candidate * candidate)));
            of_gates.extend_from_slice(&of_output);
            of_cells.extend(of_cell.iter().zip(forget).map(|(of_cell, forget)| of_cell * forget));
        }
        let of_gates = Tensor::from_vec(of_gates, gates.shape(), gates.device())?;
        Ok((Some(of_gates), Some(Tensor::from_vec(of_cells, cell.shape(), cell.device())?)))
    }
}

/// The numbers of a tensor that is contiguous.
fn values<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    let all = storage.as_slice::<f32>()?;
    let part = layout.contiguous_offsets().and_then(|(start, end)| all.get(start..end));
    part.ok_or_else(|| Error::msg("gated: a tensor is not contiguous"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Var};
    use candle_nn::ops::sigmoid;

    #[test]
    fn the_exponential_is_the_librarys() {
        for at in -8_000..8_000 {
            let x = at as f32 * 0.01;
            assert!((exp(x) / x.exp() - 1.0).abs() < 5e-7, "{x}");
            assert!((tanh(x) - x.tanh()).abs() < 3e-7, "{x}");
        }
    }

    /// The same in candle's ops, forward and back.
    #[test]
    fn the_op_and_its_gradients_are_those_of_its_parts() {
        let numbers = |shape: (usize, usize), by: f32| {
            let all = (0..shape.0 * shape.1).map(|at| (at as f32 * by).sin() * 2.0).collect();
            Var::from_tensor(&Tensor::from_vec(all, shape, &Device::Cpu).unwrap()).unwrap()
        };
        let (gates, cell) = (numbers((3, 20), 0.7), numbers((3, 5), 1.3));
        let weights = [numbers((3, 5), 0.3), numbers((3, 5), 0.9)];
        let whole = |(hidden, cell): (Tensor, Tensor)| {
            let [one, two] = &weights;
            (hidden.mul(one.as_tensor()).unwrap() + cell.mul(two.as_tensor()).unwrap()).unwrap().sum_all().unwrap()
        };
        let parts = |gates: &Tensor, cell: &Tensor| -> Result<(Tensor, Tensor)> {
            let gate = |at: usize| gates.narrow(1, 5 * at, 5)?.contiguous();
            let new = ((sigmoid(&gate(1)?)? * cell)? + (sigmoid(&gate(0)?)? * gate(2)?.tanh()?)?)?;
            Ok(((sigmoid(&gate(3)?)? * new.tanh()?)?, new))
        };
        let (found, expected) = (whole(gated(&gates, &cell).unwrap()), whole(parts(&gates, &cell).unwrap()));
        let apart = |one: &Tensor, other: &Tensor| {
            (one - other).unwrap().abs().unwrap().flatten_all().unwrap().max(0).unwrap().to_scalar::<f32>().unwrap()
        };
        assert!(apart(&found, &expected) < 1e-4);
        let (found, expected) = (found.backward().unwrap(), expected.backward().unwrap());
        for var in [&gates, &cell] {
            assert!(apart(found.get(var).unwrap(), expected.get(var).unwrap()) < 1e-5);
        }
    }
}
