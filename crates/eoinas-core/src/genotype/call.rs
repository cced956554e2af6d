//! Calls that stand in texts which Python printed: ranges, lists, numbers of NumPy and PyTorch, dictionaries.
//!
//! What a name means is looked up here; nothing is called.

use super::literal::Parser;
use super::value::{Field, Kind, Value, cut};
use crate::error::CoreError;

/// Length of a `range`, more than any cell has nodes.
const MAX_RANGE: u64 = 4096;

impl Parser<'_> {
    /// The value of the call of `name`, which began at `offset` and whose parenthesis comes next; `None` where the name has
    /// no meaning of its own.
    pub fn known_call(&mut self, name: &str, offset: usize) -> Option<Result<Kind, CoreError>> {
        // `np.arange` and `numpy.arange` are the same.
        let name = name.rsplit('.').next().unwrap_or(name);
        Some(match name {
            "range" | "arange" => self.range(name, offset),
            "list" | "tuple" => self.list_call(name, offset),
            "OrderedDict" | "dict" if self.takes_value() => self.pairs(name, offset),
            _ if is_wrapper(name) => self.wrapped(name, offset),
            _ => return None,
        })
    }

    /// Whether a bracket follows the parenthesis: one value, and no keywords.
    fn takes_value(&self) -> bool {
        let inner = self.rest().get(1..).unwrap_or_default();
        inner.trim_start().starts_with(['[', '(', '{'])
    }

    fn range(&mut self, name: &str, offset: usize) -> Result<Kind, CoreError> {
        let (items, _) = self.list(b')')?;
        let ends: Option<Vec<u64>> =
            items.iter().map(|v| if let Kind::Int(n) = v.kind { Some(n) } else { None }).collect();
        let (start, end) = match ends.as_deref() {
            Some([end]) => (0, *end),
            Some([start, end]) => (*start, *end),
            _ => {
                let expected = format!("`{name}(end)` or `{name}(start, end)`");
                return Err(self.error(offset, &expected, format!("another call of {name}")));
            }
        };
        if end.saturating_sub(start) > MAX_RANGE {
            let expected = format!("a range of at most {MAX_RANGE} nodes");
            return Err(self.error(offset, &expected, format!("{start} to {end}")));
        }
        Ok(Kind::List((start..end).map(|n| Value { offset, kind: Kind::Int(n) }).collect()))
    }

    fn list_call(&mut self, name: &str, offset: usize) -> Result<Kind, CoreError> {
        let (mut items, _) = self.list(b')')?;
        match (items.pop(), items.is_empty()) {
            (None, _) => Ok(Kind::List(Vec::new())),
            (Some(Value { kind: Kind::List(inner), .. }), true) => Ok(Kind::List(inner)),
            _ => Err(self.error(offset, &format!("one list in `{name}(...)`"), "something else".to_owned())),
        }
    }

    /// `OrderedDict([('normal', [...]), ...])`, or a dictionary in it.
    fn pairs(&mut self, name: &str, offset: usize) -> Result<Kind, CoreError> {
        let (mut items, _) = self.list(b')')?;
        let expected = format!("one dictionary, or pairs of a name and a value, in `{name}(...)`");
        let items = match (items.pop().map(|value| value.kind), items.is_empty()) {
            (Some(Kind::Fields(fields)), true) => return Ok(Kind::Fields(fields)),
            (Some(Kind::List(items)), true) => items,
            _ => return Err(self.error(offset, &expected, "something else".to_owned())),
        };
        let mut fields: Vec<Field> = Vec::new();
        for item in items {
            let pair = if let Kind::List(pair) = item.kind { <[Value; 2]>::try_from(pair).ok() } else { None };
            match pair {
                Some([Value { offset, kind: Kind::Text(name) }, value]) => {
                    self.check_new(&fields, offset, &name)?;
                    fields.push(Field { name, value });
                }
                _ => return Err(self.error(item.offset, &expected, "something else".to_owned())),
            }
        }
        Ok(Kind::Fields(fields))
    }

    /// The value that a number, array or tensor was printed with; its type and device say nothing about a cell.
    fn wrapped(&mut self, name: &str, offset: usize) -> Result<Kind, CoreError> {
        self.at += 1;
        let value = self.sum()?;
        while self.eat(b',') {
            self.space();
            if self.peek() == Some(b')') {
                break;
            }
            if self.name().is_none() || !self.eat(b'=') {
                return Err(self.expected(&format!("one value in `{name}(...)`")));
            }
            self.skip_argument()?;
        }
        self.expect(b')')?;
        match value.kind {
            Kind::Int(_) | Kind::Float | Kind::Text(_) | Kind::List(_) | Kind::Bool(_) => Ok(value.kind),
            other => Err(self.error(offset, &format!("a number or a list in `{name}(...)`"), cut(&other.describe()))),
        }
    }

    /// `dtype=torch.int64`, `device='cuda:0'`, `grad_fn=<SoftmaxBackward0>`: a word, a text, or what stands in `<...>`.
    fn skip_argument(&mut self) -> Result<(), CoreError> {
        self.space();
        match self.peek() {
            Some(b'"' | b'\'') => self.string().map(drop),
            Some(b'<') => match self.rest().find(['>', '\n']) {
                Some(at) if self.rest().as_bytes().get(at) == Some(&b'>') => {
                    self.at += at + 1;
                    Ok(())
                }
                _ => Err(self.expected("`<...>` that ends on its line")),
            },
            _ if self.name().is_some() => Ok(()),
            _ => Err(self.expected("a word or a text")),
        }
    }
}

/// Types of NumPy, PyTorch and Python whose text is their name around a value.
fn is_wrapper(name: &str) -> bool {
    let base = name.trim_end_matches(|c: char| c.is_ascii_digit());
    matches!(
        base,
        "int" | "uint" | "float" | "str" | "str_" | "intp" | "longlong" | "array" | "asarray" | "tensor" | "Tensor"
    )
}
