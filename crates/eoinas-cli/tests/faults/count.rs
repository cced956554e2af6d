//! How tries end, and how often.

/// How a try ended.
pub enum End {
    /// To the same results.
    WentOn,
    /// With an error that says why.
    Refused(String),
    /// With one that does not name what was damaged.
    Nameless(String),
    /// What could have gone on does not.
    Lost(String),
    Panicked(String),
    /// Other results, and nothing is said.
    Wrong(String),
}

/// How the tries of one kind ended.
pub struct Counts {
    case: &'static str,
    kind: &'static str,
    tries: usize,
    went_on: usize,
    refused: usize,
    nameless: usize,
    lost: usize,
    panicked: usize,
    wrong: usize,
    /// What must not be.
    pub bad: Vec<String>,
}

impl Counts {
    pub fn new(case: &'static str, kind: &'static str) -> Self {
        Self {
            case,
            kind,
            tries: 0,
            went_on: 0,
            refused: 0,
            nameless: 0,
            lost: 0,
            panicked: 0,
            wrong: 0,
            bad: Vec::new(),
        }
    }

    pub fn add(&mut self, end: End) {
        self.tries += 1;
        match end {
            End::WentOn => self.went_on += 1,
            End::Refused(_) => self.refused += 1,
            End::Nameless(what) => {
                self.nameless += 1;
                self.bad.push(format!("does not name it: {what}"));
            }
            End::Lost(what) => {
                self.lost += 1;
                self.bad.push(format!("lost: {what}"));
            }
            End::Panicked(what) => {
                self.panicked += 1;
                self.bad.push(format!("panicked: {what}"));
            }
            End::Wrong(what) => {
                self.wrong += 1;
                self.bad.push(format!("wrong: {what}"));
            }
        }
    }
}

pub const HEAD: &str = "| what | fault | tries | went on | refused by name | not by name | lost | panics | wrong in silence |\n\
                        |---|---|---|---|---|---|---|---|---|";

pub fn rows(all: &[Counts]) -> String {
    let row = |counts: &Counts| {
        let Counts { case, kind, tries, went_on, refused, nameless, lost, panicked, wrong, .. } = counts;
        format!("| {case} | {kind} | {tries} | {went_on} | {refused} | {nameless} | {lost} | {panicked} | {wrong} |")
    };
    all.iter().map(row).collect::<Vec<_>>().join("\n")
}
