//! What a network is made of, whatever images it is for.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::chain::Chain;
use super::config::ModelConfig;
use super::densenet::DenseNet;
use super::motifs::Motifs;
use super::stages::Stages;
use crate::genotype::Genotype;

/// A network to be trained: a cell that is stacked, or a human-designed network. How large it becomes is said by the settings of
/// the training (a cell) or by itself (the other), and what it reads by the images.
#[derive(Clone, Debug, PartialEq)]
pub enum Design {
    /// A cell.
    Cell(Genotype),
    /// A human-designed network.
    Model(ModelConfig),
}

impl Design {
    /// The cell, where it is one.
    pub fn genotype(&self) -> Option<&Genotype> {
        match self {
            Self::Cell(genotype) => Some(genotype),
            Self::Model(_) => None,
        }
    }

    /// As files have it.
    pub fn text(&self) -> DesignText {
        match self {
            Self::Cell(genotype) => DesignText::Genotype(genotype.to_string()),
            Self::Model(model) => DesignText::Model(model.clone()),
        }
    }

    /// The human-designed network, where it is one.
    pub fn model(&self) -> Option<&ModelConfig> {
        match self {
            Self::Cell(_) => None,
            Self::Model(model) => Some(model),
        }
    }
}

impl From<Genotype> for Design {
    fn from(genotype: Genotype) -> Self {
        Self::Cell(genotype)
    }
}

impl From<Chain> for Design {
    fn from(chain: Chain) -> Self {
        Self::Model(chain.into())
    }
}

impl From<Stages> for Design {
    fn from(stages: Stages) -> Self {
        Self::Model(stages.into())
    }
}

impl From<Motifs> for Design {
    fn from(motifs: Motifs) -> Self {
        Self::Model(motifs.into())
    }
}

impl From<DenseNet> for Design {
    fn from(densenet: DenseNet) -> Self {
        Self::Model(densenet.into())
    }
}

impl From<ModelConfig> for Design {
    fn from(model: ModelConfig) -> Self {
        Self::Model(model)
    }
}

/// The genotype's text, or the network's name.
impl fmt::Display for Design {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cell(genotype) => genotype.fmt(f),
            Self::Model(model) => model.fmt(f),
        }
    }
}

/// A design as files have it: a cell as its text, of which whoever reads it knows the ops. In JSON the field `genotype`, or
/// `model`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DesignText {
    /// A genotype's text.
    Genotype(String),
    /// A human-designed network.
    Model(ModelConfig),
}

impl DesignText {
    /// The genotype's text, where it is a cell.
    pub fn genotype(&self) -> Option<&str> {
        match self {
            Self::Genotype(text) => Some(text),
            Self::Model(_) => None,
        }
    }
}

/// The genotype's text, or the network's name.
impl fmt::Display for DesignText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Genotype(text) => f.write_str(text),
            Self::Model(model) => model.fmt(f),
        }
    }
}
