//! TensorBoard event files from a record, of a finished run or while it goes on.
//!
//! The format (checked with TensorBoard's own reader): a file of TFRecords, each the length (8 bytes, little endian), its
//! masked CRC-32C, the bytes, their masked CRC-32C; the bytes are an `Event` of TensorFlow's event.proto.

mod convert;
mod messages;
mod tfrecord;

pub use convert::{Follower, convert};
