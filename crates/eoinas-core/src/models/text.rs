//! How a network is told: by its name, or by the text of what it is made of.

use std::fmt;
use std::str::FromStr;

use super::chain::Chain;
use super::config::ModelConfig;
use super::densenet::DenseNet;
use super::kind::ModelKind;
use super::motifs::Motifs;
use super::stages::Stages;
use crate::setting::Setting;

impl ModelConfig {
    /// The texts that it has.
    pub(super) fn texts(&self) -> [(ModelKind, Option<String>); 4] {
        [
            (ModelKind::Chain, self.chain.as_ref().map(ToString::to_string)),
            (ModelKind::Stages, self.stages.as_ref().map(ToString::to_string)),
            (ModelKind::Motifs, self.motifs.as_ref().map(ToString::to_string)),
            (ModelKind::DenseNet, self.densenet.as_ref().map(ToString::to_string)),
        ]
    }

    /// Its name, or the text that it is made by: what is read as the network in its published width and depth.
    pub fn called(&self) -> String {
        let text = self.texts().into_iter().find_map(|(kind, text)| text.filter(|_| kind == self.name));
        text.unwrap_or_else(|| self.name.to_string())
    }
}

/// A published network's name, or the text of a chain, of stages, of motifs or of dense blocks.
impl FromStr for ModelConfig {
    type Err = Setting;

    fn from_str(text: &str) -> Result<Self, Setting> {
        let unknown = match text.parse::<ModelKind>() {
            Ok(kind) if ModelKind::BY_TEXT.contains(&kind) => return Err(Setting::new("network", text, example(kind))),
            Ok(name) => return Ok(Self::new(name)),
            Err(unknown) => unknown,
        };
        let read = match meant(text) {
            Some(ModelKind::Stages) => text.parse::<Stages>().map(Self::from),
            Some(ModelKind::Motifs) => text.parse::<Motifs>().map(Self::from),
            Some(ModelKind::DenseNet) => text.parse::<DenseNet>().map(Self::from),
            Some(_) => text.parse::<Chain>().map(Self::from),
            None => return Err(unknown),
        };
        read.map_err(|error| error.within("network"))
    }
}

/// What the text of such a network is like.
pub(super) fn example(kind: ModelKind) -> &'static str {
    match kind {
        ModelKind::Stages => "the stages themselves: `stage5-8:1-01 stage5-16:0-10-111 dense128`",
        ModelKind::Motifs => "the motifs themselves: `motifs16 3.0.6 1.4.2 | 1.2.1`",
        ModelKind::DenseNet => {
            "the blocks themselves: `densenet24 block12x3 transition30 block12x3`; the published network is densenet-bc"
        }
        _ => "a chain's layers themselves: `conv3-64 pool2/2 dense128`",
    }
}

/// Which network a text that names none was meant to make.
fn meant(text: &str) -> Option<ModelKind> {
    let (mut words, text) = (text.split_whitespace(), text.trim_start().to_lowercase());
    let begins = |words: &[&str]| words.iter().any(|word| text.starts_with(word));
    if begins(&["stage"]) {
        return Some(ModelKind::Stages);
    }
    if begins(&["motif"]) {
        return Some(ModelKind::Motifs);
    }
    // One word may be meant to be a published network: densenet121.
    let several = words.nth(1).is_some();
    if several && begins(&["densenet"]) {
        return Some(ModelKind::DenseNet);
    }
    let chain = several || begins(&["conv", "pool", "dense"]) && !begins(&["densen"]);
    chain.then_some(ModelKind::Chain)
}

impl From<Chain> for ModelConfig {
    fn from(chain: Chain) -> Self {
        Self { chain: Some(chain), ..Self::new(ModelKind::Chain) }
    }
}

impl From<Stages> for ModelConfig {
    fn from(stages: Stages) -> Self {
        Self { stages: Some(stages), ..Self::new(ModelKind::Stages) }
    }
}

impl From<Motifs> for ModelConfig {
    fn from(motifs: Motifs) -> Self {
        Self { motifs: Some(motifs), ..Self::new(ModelKind::Motifs) }
    }
}

impl From<DenseNet> for ModelConfig {
    fn from(densenet: DenseNet) -> Self {
        Self { densenet: Some(densenet), ..Self::new(ModelKind::DenseNet) }
    }
}

/// The name or the layers, and what is not as published: `mobilenet-v2 x 0.5`, `resnet-20, 32 layers`.
impl fmt::Display for ModelConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.called())?;
        if self.width != 1.0 {
            write!(f, " x {:.3}", self.width)?;
        }
        self.depth.map_or(Ok(()), |depth| write!(f, ", {depth} layers"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_is_a_network_by_its_layers() {
        let chain: ModelConfig = "conv3-64 pool2/2 dense128".parse().unwrap();
        assert_eq!(chain.name, ModelKind::Chain);
        assert_eq!(chain.to_string(), "conv3-64 pool2/2 dense128");
        let json = serde_json::to_string(&chain).unwrap();
        assert_eq!(json, r#"{"name":"chain","width":1.0,"chain":"conv3-64 pool2/2 dense128"}"#);
        assert_eq!(serde_json::from_str::<ModelConfig>(&json).unwrap(), chain);
        let images = [32, 32, 3];
        let fitted = chain.with_multiply_adds(images, 10, 1_000_000).unwrap();
        let cost = fitted.graph(images, 10).unwrap().counts().multiply_adds;
        assert!((900_000..1_100_000).contains(&cost), "{cost}");
        // One whose width changes nothing.
        let pools: ModelConfig = "pool2/2 average".parse().unwrap();
        assert_eq!(pools.with_multiply_adds(images, 10, 1_000_000).unwrap(), pools);
        assert_eq!("MobileNet V2".parse::<ModelConfig>().unwrap(), ModelConfig::new(ModelKind::MobileNetV2));
        assert_eq!("conv5-8".parse::<ModelConfig>().unwrap().chain.unwrap().layers.len(), 1);
    }

    #[test]
    fn other_networks_are_told_by_their_texts() {
        let images = [32, 32, 3];
        for (text, kind) in [
            ("stage5-8:1-01 stage5-16:0-10-111 dense128", ModelKind::Stages),
            ("motifs16 3.0.6 1.4.2 | 1.2.1", ModelKind::Motifs),
            ("densenet24 block12x3-14 transition37 block14:60-12x2", ModelKind::DenseNet),
        ] {
            let network: ModelConfig = text.parse().unwrap();
            assert_eq!((network.name, network.called().as_str(), network.to_string().as_str()), (kind, text, text));
            let json = serde_json::to_string(&network).unwrap();
            assert_eq!(json, format!(r#"{{"name":"{kind}","width":1.0,"{kind}":"{text}"}}"#));
            assert_eq!(serde_json::from_str::<ModelConfig>(&json).unwrap(), network);
            let fitted = network.with_multiply_adds(images, 10, 2_000_000).unwrap();
            let cost = fitted.graph(images, 10).unwrap().counts().multiply_adds;
            assert!((1_600_000..2_500_000).contains(&cost), "{text}: {cost}");
            assert!(fitted.to_string().starts_with(&format!("{text} x 0.")), "{fitted}");
        }
    }

    #[test]
    fn what_is_no_network_is_refused_by_name() {
        for (text, wanted) in [
            ("resnet-21", "is resnet-20 meant?"),
            ("chain", "a chain's layers themselves"),
            ("", "one of resnet-20"),
            ("classifier", "one of resnet-20"),
            ("conv3-64 pool2-2", "`pool2-2` is no layer of a chain"),
            ("stages", "the stages themselves"),
            ("Motifs", "the motifs themselves"),
            ("stage5-8:2 dense8", "network.stages is stage5-8:2 dense8"),
            ("motifs16 6.6", "network.motifs is motifs16 6.6"),
            ("densenet", "the blocks themselves: `densenet24 "),
            ("densenet121", "is densenet-bc meant?"),
            ("densenet24 block", "network.densenet is densenet24 block; expected dense blocks like"),
        ] {
            let error = text.parse::<ModelConfig>().unwrap_err().to_string();
            assert!(error.contains(wanted), "{text}: {error}");
        }
        let graph = |model: ModelConfig| model.graph([32, 32, 3], 10).unwrap_err().to_string();
        assert!(graph(ModelConfig::new(ModelKind::Chain)).contains("network.chain is none"));
        let both = ModelConfig { chain: "conv3-8".parse().ok(), ..ModelConfig::new(ModelKind::ResNet20) };
        assert!(graph(both).contains("resnet-20 has layers of its own"));
        assert!(graph(ModelConfig::new(ModelKind::Stages)).contains("network.stages is none"));
        assert!(graph(ModelConfig::new(ModelKind::Motifs)).contains("network.motifs is none"));
        let both = ModelConfig { motifs: "motifs8 6".parse().ok(), ..Chain::default().into() };
        assert!(graph(both).contains("network.motifs is motifs8 6; expected none: chain has layers of its own"));
        let deep = ModelConfig { depth: Some(3), ..Chain::default().into() };
        assert!(graph(deep).contains("network.depth is 3"));
    }
}
