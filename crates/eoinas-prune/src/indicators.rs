//! The shipped indicators.

use serde::{Deserialize, Serialize};

use crate::{EdgeView, Indicator, OpView, PruningError};

/// `beta` alone: pruning by architecture weights. Has evidence on every op.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Beta {}

/// Eq. 7: `I = beta + lambda * C`, `C = C^a / C^e` (Eq. 6) with the accuracy in percent, as the paper's numbers are.
///
/// How much the second term weighs depends on data size, batch size and count window: at 60 % accuracy it is
/// 0.5 * 60 / 977 = 0.03 after 20 epochs of the paper's search, and 3 after 10 draws; that of [`ScaleFree`] does not.
/// Both favour ops that were rarely drawn. They suit alphas that move as slowly as the paper's, under which all ops are
/// drawn about equally often; once `beta` makes some ops rare, `C` works against it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EoiNas {
    /// Weight of `C`. Default (paper): 0.5.
    pub lambda: f64,
    /// An op with fewer draws in the window has no evidence. Default: 1, and 0 counts as 1: `C` has no value without a
    /// draw.
    pub min_samples: u64,
}

/// `I = beta + lambda * C` with a `C` that depends on neither the number of steps nor the unit of accuracy.
///
/// `C` is the accuracy over the op's share of the draws on its edge, scaled so that `C`, like `beta`, has a mean of
/// 1 / (number of alive ops) over the ops of the edge that have evidence.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScaleFree {
    /// Weight of `C`. Default: 0.5.
    pub lambda: f64,
    /// An op with fewer draws in the window has no evidence. Default: 1, and 0 counts as 1.
    pub min_samples: u64,
}

/// A shipped indicator by the name of its `kind`, for configuration files.
///
/// ```
/// use eoinas_prune::{EoiNas, IndicatorConfig};
/// let config: IndicatorConfig = serde_json::from_str(r#"{"kind": "eoi_nas", "lambda": 0.25}"#)?;
/// assert_eq!(config, IndicatorConfig::EoiNas(EoiNas { lambda: 0.25, min_samples: 1 }));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum IndicatorConfig {
    /// `beta` alone.
    Beta(Beta),
    /// Eq. 7 as the paper has it; the default.
    EoiNas(EoiNas),
    /// Eq. 7 with a scale-free `C`.
    ScaleFree(ScaleFree),
}

impl Default for EoiNas {
    fn default() -> Self {
        Self { lambda: 0.5, min_samples: 1 }
    }
}

impl Default for ScaleFree {
    fn default() -> Self {
        Self { lambda: 0.5, min_samples: 1 }
    }
}

impl Default for IndicatorConfig {
    fn default() -> Self {
        Self::EoiNas(EoiNas::default())
    }
}

impl IndicatorConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// A lambda that is negative or not finite.
    pub fn validate(&self) -> Result<(), PruningError> {
        match *self {
            Self::EoiNas(EoiNas { lambda, .. }) | Self::ScaleFree(ScaleFree { lambda, .. })
                if !lambda.is_finite() || lambda < 0.0 =>
            {
                Err(PruningError::Config { field: "lambda", got: lambda, expected: "0 or a positive number" })
            }
            _ => Ok(()),
        }
    }
}

impl Indicator for Beta {
    fn name(&self) -> String {
        "beta".to_owned()
    }

    fn value(&self, _edge: &EdgeView<'_>, op: &OpView<'_>) -> Option<f64> {
        Some(op.beta)
    }
}

impl Indicator for EoiNas {
    fn name(&self) -> String {
        format!("eoi_nas(lambda={}, min_samples={})", self.lambda, self.min_samples)
    }

    fn value(&self, _edge: &EdgeView<'_>, op: &OpView<'_>) -> Option<f64> {
        let percent = 100.0 * accuracy(op, self.min_samples)?;
        Some(op.beta + self.lambda * percent / op.count as f64)
    }
}

impl Indicator for ScaleFree {
    fn name(&self) -> String {
        format!("scale_free(lambda={}, min_samples={})", self.lambda, self.min_samples)
    }

    fn value(&self, edge: &EdgeView<'_>, op: &OpView<'_>) -> Option<f64> {
        // The share is count / (all draws on the edge); what all ops of the edge have in common goes out by the scaling.
        let ratio = |op: &OpView<'_>| accuracy(op, self.min_samples).map(|accuracy| accuracy / op.count as f64);
        let own = ratio(op)?;
        let all: Vec<f64> = edge.ops.iter().filter_map(ratio).collect();
        let mean = all.iter().sum::<f64>() / all.len() as f64;
        // No accuracy above 0 on the whole edge: all are alike.
        let relative = if mean > 0.0 { own / mean } else { 1.0 };
        Some(op.beta + self.lambda * relative / edge.ops.len() as f64)
    }
}

impl IndicatorConfig {
    fn indicator(&self) -> &dyn Indicator {
        match self {
            Self::Beta(indicator) => indicator,
            Self::EoiNas(indicator) => indicator,
            Self::ScaleFree(indicator) => indicator,
        }
    }
}

impl Indicator for IndicatorConfig {
    fn name(&self) -> String {
        self.indicator().name()
    }

    fn value(&self, edge: &EdgeView<'_>, op: &OpView<'_>) -> Option<f64> {
        self.indicator().value(edge, op)
    }
}

/// The accuracy of an op with enough draws.
fn accuracy(op: &OpView<'_>, min_samples: u64) -> Option<f64> {
    op.accuracy.filter(|_| op.count >= min_samples.max(1))
}
