//! Which operation stands behind which name.

use std::collections::BTreeMap;
use std::sync::Arc;

use candle_nn::{Module, VarBuilder};
use eoinas_core::{Op, OpShape};
use eoinas_kernels::PoolKind;

use super::{ConvChain, Identity, Pool, TapeOp, Zero};
use crate::error::{NnError, Result};
use crate::operation::Operation;
use crate::parameters::Scope;

/// Builds one op of one edge: creates its parameters in the scope.
pub type OperationBuilder = dyn Fn(&mut Scope<'_>, OpShape) -> Result<Box<dyn Operation>> + Send + Sync;

/// The operations that networks are built of, by the names of the space's ops.
#[derive(Clone)]
pub struct Operations {
    builders: BTreeMap<String, Arc<OperationBuilder>>,
}

impl std::fmt::Debug for Operations {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.builders.keys()).finish()
    }
}

impl Default for Operations {
    fn default() -> Self {
        Self::built_in()
    }
}

impl Operations {
    /// Every op of [`eoinas_core::op::BUILT_IN`].
    pub fn built_in() -> Self {
        let mut operations = Self { builders: BTreeMap::new() };
        operations.add(Op::None, |_, _| Ok(Box::new(Zero)));
        operations.add(Op::MaxPool3x3, |scope, shape| Ok(Box::new(Pool::new(scope, shape, PoolKind::Max)?)));
        operations.add(Op::AvgPool3x3, |scope, shape| Ok(Box::new(Pool::new(scope, shape, PoolKind::Average)?)));
        operations.add(Op::SkipConnect, |scope, shape| match shape.stride {
            1 => Ok(Box::new(Identity)),
            _ => Ok(Box::new(ConvChain::factorized_reduce(scope, shape)?)),
        });
        for (op, kernel) in [(Op::SepConv3x3, 3), (Op::SepConv5x5, 5), (Op::SepConv7x7, 7)] {
            operations.add(op, move |scope, shape| Ok(Box::new(ConvChain::separable(scope, shape, kernel)?)));
        }
        for (op, kernel) in [(Op::DilConv3x3, 3), (Op::DilConv5x5, 5)] {
            operations.add(op, move |scope, shape| Ok(Box::new(ConvChain::dilated(scope, shape, kernel)?)));
        }
        for (op, kernel) in [(Op::NorConv1x1, 1), (Op::NorConv3x3, 3)] {
            operations.add(op, move |scope, shape| Ok(Box::new(ConvChain::dense(scope, shape, kernel)?)));
        }
        operations.add(Op::Conv7x1_1x7, |scope, shape| Ok(Box::new(ConvChain::factorized_7x7(scope, shape)?)));
        operations
    }

    /// Registers a candle module as the op `name`. It works on channels-first tensors `[n, c, h, w]` as all of candle
    /// does, takes its parameters from the `VarBuilder`, and is followed by a BatchNorm as the built-in ops are (with
    /// scale and shift, 2 x channels parameters, where `shape.affine`). Its gradients come from candle's tape.
    pub fn register<F>(&mut self, name: &str, build: F)
    where
        F: Fn(VarBuilder<'static>, OpShape) -> candle_core::Result<Box<dyn Module + Send + Sync>>
            + Send
            + Sync
            + 'static,
    {
        self.register_operation(name, move |scope, shape| Ok(Box::new(TapeOp::new(scope, shape, true, &build)?)));
    }

    /// The same without a BatchNorm behind it.
    pub fn register_without_norm<F>(&mut self, name: &str, build: F)
    where
        F: Fn(VarBuilder<'static>, OpShape) -> candle_core::Result<Box<dyn Module + Send + Sync>>
            + Send
            + Sync
            + 'static,
    {
        self.register_operation(name, move |scope, shape| Ok(Box::new(TapeOp::new(scope, shape, false, &build)?)));
    }

    /// Registers an operation with a backward pass of its own.
    pub fn register_operation<F>(&mut self, name: &str, build: F)
    where
        F: Fn(&mut Scope<'_>, OpShape) -> Result<Box<dyn Operation>> + Send + Sync + 'static,
    {
        self.builders.insert(name.to_owned(), Arc::new(build));
    }

    /// Builds an op; its parameters get the scope's prefix.
    ///
    /// # Errors
    /// [`NnError::UnknownOperation`] when nothing is registered for it.
    pub fn build(&self, op: &Op, scope: &mut Scope<'_>, shape: OpShape) -> Result<Box<dyn Operation>> {
        let Some(build) = self.builders.get(op.name()) else {
            let known = self.builders.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            return Err(NnError::UnknownOperation { op: op.name().to_owned(), known });
        };
        build(scope, shape)
    }

    fn add<F>(&mut self, op: Op, build: F)
    where
        F: Fn(&mut Scope<'_>, OpShape) -> Result<Box<dyn Operation>> + Send + Sync + 'static,
    {
        self.register_operation(op.name(), build);
    }
}
