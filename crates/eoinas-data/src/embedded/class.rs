//! What the images of one class have in common.

use super::plane::Colour;
use super::shape::Shape;
use super::texture::Texture;

pub(super) const CLASSES: usize = Shape::ALL.len() * Texture::ALL.len();

/// An outline and a texture, which alone tell a class from all others, and the colours that its images tend to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Class {
    pub(super) shape: Shape,
    pub(super) texture: Texture,
    /// The usual colour of the object.
    pub(super) colour: Colour,
    /// The usual colour of the ground, far from the object's.
    pub(super) ground: Colour,
}

impl Class {
    pub(super) fn of(label: usize) -> Self {
        let colour = COLOURS.get(label).copied().unwrap_or([0.5; 3]);
        Self {
            shape: Shape::ALL[label / Texture::ALL.len() % Shape::ALL.len()],
            texture: Texture::ALL[label % Texture::ALL.len()],
            colour,
            ground: [1.0 - colour[1], 1.0 - colour[2], 1.0 - colour[0]],
        }
    }

    pub(super) fn name(&self) -> String {
        format!("{} {}", self.texture.name(), self.shape.name())
    }
}

/// Far from each other: corners and edges of the colour cube.
const COLOURS: [Colour; CLASSES] = [
    [1.0, 0.0, 0.0],
    [0.0, 1.0, 1.0],
    [0.0, 1.0, 0.0],
    [1.0, 0.0, 1.0],
    [0.0, 0.0, 1.0],
    [1.0, 1.0, 0.0],
    [0.0, 0.0, 0.0],
    [1.0, 1.0, 1.0],
    [1.0, 0.5, 0.0],
    [0.0, 0.5, 1.0],
];
