//! Says what is on pictures, with a file of `eoinas export --any-size`:
//!
//! ```text
//! eoinas-tract any.onnx cat.jpg dog.png
//! ```

use serde_json::{Map, json};
use tract_onnx::prelude::*;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().ok_or("usage: eoinas-tract MODEL.onnx PICTURE...")?;
    let proto = tract_onnx::onnx().proto_model_for_path(&file)?;
    let classes = proto.metadata_props.iter().find(|entry| entry.key == "classes");
    let classes: Vec<String> = serde_json::from_str(&classes.ok_or("the file names no classes")?.value)?;
    for path in arguments {
        let picture = image::open(&path)?.into_rgb8();
        let shape = [1, picture.height() as usize, picture.width() as usize, 3];
        let pixels = Tensor::from_shape(&shape, &picture.into_raw())?;
        // The network is made ready for the size of this picture.
        let network = tract_onnx::onnx().model_for_proto_model(&proto)?;
        let network = network.with_input_fact(0, u8::fact(shape).into())?.into_optimized()?.into_runnable()?;
        let answer = network.run(tvec!(pixels.into()))?;
        let values = answer[0].to_plain_array_view::<f32>()?;
        let probabilities: Map<_, _> = classes.iter().cloned().zip(values.iter().map(|&value| json!(value))).collect();
        println!("{}", json!({ "image": path, "probabilities": probabilities }));
    }
    Ok(())
}
