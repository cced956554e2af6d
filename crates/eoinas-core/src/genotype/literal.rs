//! The literals that genotypes are written in: lists, tuples, dictionaries, calls and JSON, as one small grammar.
//!
//! Nothing is evaluated: names with a meaning are those of [`super::call`].

use super::position::Position;
use super::value::{Field, Kind, Value, cut, is_invisible, shown};
use crate::error::CoreError;

/// Quotation marks that word processors and web pages make of plain ones.
const TYPOGRAPHIC: [char; 4] = ['\u{2018}', '\u{2019}', '\u{201c}', '\u{201d}'];
/// Brackets within brackets; a nested genotype has five.
const MAX_DEPTH: usize = 32;
/// Entries of a dictionary, arguments of a call.
const MAX_FIELDS: usize = 128;

/// Reads `[NAME =] value` that fills the text, apart from white space and comments.
pub(super) fn parse(text: &str, start: usize) -> Result<Value, CoreError> {
    let mut parser = Parser { text, at: start, depth: 0 };
    parser.assignment();
    let value = parser.sum()?;
    parser.space();
    if parser.peek() == Some(b';') {
        parser.at += 1;
        parser.space();
    }
    if parser.at < text.len() { Err(parser.expected("the end of the text")) } else { Ok(value) }
}

/// Reads the value that begins at `start`; nothing but white space may follow it on its last line.
pub(super) fn parse_line(text: &str, start: usize) -> Result<Value, CoreError> {
    let mut parser = Parser { text, at: start, depth: 0 };
    let value = parser.value()?;
    let rest = parser.rest();
    let line = rest.get(..rest.find('\n').unwrap_or(rest.len())).unwrap_or_default();
    match line.find(|c: char| !c.is_whitespace() && !is_invisible(c)) {
        None => Ok(value),
        Some(at) => {
            parser.at += at;
            Err(parser.expected("the end of the text"))
        }
    }
}

pub(super) struct Parser<'a> {
    text: &'a str,
    pub at: usize,
    depth: usize,
}

impl Parser<'_> {
    pub fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    pub fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub fn eat(&mut self, byte: u8) -> bool {
        self.space();
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    pub fn expect(&mut self, byte: u8) -> Result<(), CoreError> {
        if self.eat(byte) { Ok(()) } else { Err(self.expected(&format!("`{}`", char::from(byte)))) }
    }

    pub fn expected(&self, expected: &str) -> CoreError {
        let found = self.rest().chars().next().map_or("the end of the text".to_owned(), |c| format!("`{}`", shown(c)));
        self.error(self.at, expected, found)
    }

    pub fn error(&self, offset: usize, expected: &str, found: String) -> CoreError {
        self.wrong(offset, format!("expected {expected}, found {found}"))
    }

    fn wrong(&self, offset: usize, problem: String) -> CoreError {
        CoreError::genotype(Position::of(self.text, offset), problem)
    }

    /// Skips white space, characters that nobody sees, `#` comments and a backslash at the end of a line.
    pub fn space(&mut self) {
        loop {
            let rest = self.rest();
            let skipped = rest.len() - rest.trim_start_matches(|c: char| c.is_whitespace() || is_invisible(c)).len();
            self.at += skipped;
            let rest = self.rest();
            if rest.starts_with('#') {
                self.at += rest.find('\n').unwrap_or(rest.len());
            } else if rest.starts_with("\\\n") || rest.starts_with("\\\r\n") {
                self.at += 1;
            } else {
                return;
            }
        }
    }

    /// A name with dots: letters, digits, underscores, and nothing of what nobody sees among them.
    pub fn name(&mut self) -> Option<String> {
        self.space();
        let rest = self.rest();
        let end = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.' || is_invisible(c)))
            .unwrap_or(rest.len());
        let name = rest.get(..end)?;
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
            return None;
        }
        let name = name.chars().filter(|&c| !is_invisible(c)).collect();
        self.at += end;
        Some(name)
    }

    /// Skips `NAME =` where the text begins with it.
    fn assignment(&mut self) {
        let start = self.at;
        if self.name().is_none() || !self.eat(b'=') {
            self.at = start;
        }
    }

    /// One value, or lists joined by `+`.
    pub fn sum(&mut self) -> Result<Value, CoreError> {
        let mut value = self.value()?;
        while self.eat(b'+') {
            let more = self.value()?;
            match (&mut value.kind, more.kind) {
                (Kind::List(items), Kind::List(added)) => items.extend(added),
                (Kind::List(_), other) => return Err(self.error(more.offset, "a list", other.describe())),
                (other, _) => return Err(self.error(value.offset, "a list", other.describe())),
            }
        }
        Ok(value)
    }

    fn value(&mut self) -> Result<Value, CoreError> {
        self.space();
        if self.depth >= MAX_DEPTH {
            let problem = format!("brackets are nested more than {MAX_DEPTH} deep, which no genotype needs");
            return Err(self.wrong(self.at, problem));
        }
        self.depth += 1;
        let offset = self.at;
        let kind = match self.peek() {
            Some(b'[') => self.list(b']').map(|(items, _)| Kind::List(items)),
            Some(b'(') => self.parenthesis(),
            Some(b'{') => self.dictionary(),
            Some(b'"' | b'\'') => self.string().map(Kind::Text),
            _ if self.rest().starts_with(TYPOGRAPHIC) => self.string().map(Kind::Text),
            Some(b'0'..=b'9' | b'-') => self.number(),
            Some(b'u') if self.rest().starts_with("u'") || self.rest().starts_with("u\"") => {
                self.at += 1;
                self.string().map(Kind::Text)
            }
            _ => self.word(),
        }?;
        self.depth -= 1;
        Ok(Value { offset, kind })
    }

    /// Values between brackets, and whether a comma followed the last one.
    pub fn list(&mut self, close: u8) -> Result<(Vec<Value>, bool), CoreError> {
        self.at += 1;
        let mut items = Vec::new();
        let mut comma = false;
        while !self.eat(close) {
            if !items.is_empty() && !comma {
                return Err(self.expected(&format!("`,` or `{}`", char::from(close))));
            }
            items.push(self.sum()?);
            comma = self.eat(b',');
        }
        Ok((items, comma))
    }

    /// A tuple, or a value in parentheses.
    fn parenthesis(&mut self) -> Result<Kind, CoreError> {
        let (mut items, comma) = self.list(b')')?;
        match items.pop() {
            Some(only) if items.is_empty() && !comma => Ok(only.kind),
            Some(last) => {
                items.push(last);
                Ok(Kind::List(items))
            }
            None => Ok(Kind::List(items)),
        }
    }

    fn dictionary(&mut self) -> Result<Kind, CoreError> {
        self.at += 1;
        let mut fields = Vec::new();
        let mut comma = true;
        while !self.eat(b'}') {
            if !comma {
                return Err(self.expected("`,` or `}`"));
            }
            let offset = self.at;
            if !matches!(self.peek(), Some(b'"' | b'\'')) && !self.rest().starts_with(TYPOGRAPHIC) {
                return Err(self.expected("a field's name in quotes or `}`"));
            }
            let name = self.string()?;
            self.expect(b':')?;
            self.add(&mut fields, offset, name)?;
            comma = self.eat(b',');
        }
        Ok(Kind::Fields(fields))
    }

    fn add(&mut self, fields: &mut Vec<Field>, offset: usize, name: String) -> Result<(), CoreError> {
        self.check_new(fields, offset, &name)?;
        let value = self.sum()?;
        fields.push(Field { name, value });
        Ok(())
    }

    /// Whether a field of this name can be added.
    pub fn check_new(&self, fields: &[Field], offset: usize, name: &str) -> Result<(), CoreError> {
        // A genotype has a handful of fields; the limit keeps the search for duplicates short.
        if fields.len() >= MAX_FIELDS {
            return Err(self.error(offset, &format!("at most {MAX_FIELDS} fields"), "another one".to_owned()));
        }
        if fields.iter().any(|field| field.name == name) {
            return Err(self.wrong(offset, format!("field `{}` is given twice", cut(name))));
        }
        Ok(())
    }

    /// A constant, or a call.
    fn word(&mut self) -> Result<Kind, CoreError> {
        let offset = self.at;
        let Some(name) = self.name() else {
            return Err(self.expected("a genotype, a list, a text or a number"));
        };
        match name.as_str() {
            "None" | "null" => return Ok(Kind::None),
            "True" | "true" => return Ok(Kind::Bool(true)),
            "False" | "false" => return Ok(Kind::Bool(false)),
            _ => self.space(),
        }
        if self.peek() != Some(b'(') {
            return Err(self.error(offset, "a genotype, a list, a text or a number", format!("`{}`", cut(&name))));
        }
        self.known_call(&name, offset).unwrap_or_else(|| self.call())
    }

    /// The arguments of `Genotype(...)`, by keyword or in the order of the original namedtuple.
    pub fn call(&mut self) -> Result<Kind, CoreError> {
        self.at += 1;
        let mut positions = ["normal", "normal_concat", "reduce", "reduce_concat"].into_iter();
        let mut fields = Vec::new();
        let mut comma = true;
        while !self.eat(b')') {
            if !comma {
                return Err(self.expected("`,` or `)`"));
            }
            self.space();
            let offset = self.at;
            match self.name() {
                Some(name) if self.eat(b'=') => self.add(&mut fields, offset, name)?,
                _ => {
                    self.at = offset;
                    let Some(name) = positions.next() else {
                        return Err(self.expected("`)`"));
                    };
                    self.add(&mut fields, offset, name.to_owned())?;
                }
            }
            comma = self.eat(b',');
        }
        Ok(Kind::Fields(fields))
    }

    fn number(&mut self) -> Result<Kind, CoreError> {
        let rest = self.rest();
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || "+-._".contains(c))).unwrap_or(rest.len());
        let text = rest.get(..end).unwrap_or_default();
        // `2+3`: a sign belongs to a number only at its start and after an exponent.
        let follows_exponent = |at| text.get(..at).is_some_and(|before| before.ends_with(['e', 'E']));
        let sign = text.char_indices().skip(1).find(|&(at, c)| "+-".contains(c) && !follows_exponent(at));
        let end = sign.map_or(end, |(at, _)| at);
        let text = text.get(..end).unwrap_or_default();
        let kind = match (text.parse::<u64>(), text.parse::<f64>()) {
            (Ok(number), _) => Kind::Int(number),
            (Err(_), Ok(_)) => Kind::Float,
            _ => return Err(self.error(self.at, "a number", format!("`{}`", cut(text)))),
        };
        self.at += end;
        Ok(kind)
    }

    pub fn string(&mut self) -> Result<String, CoreError> {
        let start = self.at;
        let quote = self.rest().chars().next().unwrap_or('"');
        // Whichever of a pair the text begins with, either ends it.
        let ends: &[char] = match quote {
            '\u{2018}' | '\u{2019}' => &['\u{2018}', '\u{2019}'],
            '\u{201c}' | '\u{201d}' => &['\u{201c}', '\u{201d}'],
            _ => &[quote],
        };
        let mut text = String::new();
        let mut characters = self.rest().char_indices().skip(1);
        let mut bad = None;
        let mut end = None;
        while let Some((at, c)) = characters.next() {
            match c {
                '\n' => break,
                '\\' => match escape(&mut characters) {
                    Some(c) => text.push(c),
                    None => {
                        bad = Some(at);
                        break;
                    }
                },
                c if ends.contains(&c) => {
                    end = Some(at + c.len_utf8());
                    break;
                }
                c if is_invisible(c) => {}
                c => text.push(c),
            }
        }
        match (end, bad) {
            (Some(end), _) => {
                self.at += end;
                Ok(text)
            }
            (None, Some(bad)) => Err(self.error(start + bad, "an escape that JSON knows", "another".to_owned())),
            (None, None) => Err(self.error(
                start,
                "a text that ends on its line",
                "a quotation mark without its partner".to_owned(),
            )),
        }
    }
}

/// The character after a backslash; of `\u` escapes those without surrogates.
fn escape(characters: &mut impl Iterator<Item = (usize, char)>) -> Option<char> {
    match characters.next()?.1 {
        'n' => Some('\n'),
        't' => Some('\t'),
        'r' => Some('\r'),
        'b' => Some('\u{8}'),
        'f' => Some('\u{c}'),
        'u' => {
            let mut code = 0;
            for _ in 0..4 {
                code = code * 16 + characters.next()?.1.to_digit(16)?;
            }
            char::from_u32(code)
        }
        c @ ('"' | '\'' | '\\' | '/') => Some(c),
        _ => None,
    }
}
