//! How often each class was taken for each.

/// Counts of pairs of a class and what was said of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confusion {
    classes: usize,
    /// \[classes, classes\]: a row a class, a column what was said.
    counts: Vec<u64>,
}

/// How a class fared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClassResult {
    /// Samples of the class.
    pub samples: u64,
    /// Those of them that were recognised.
    pub right: u64,
    /// Samples of any class that were taken for it.
    pub said: u64,
}

/// One class that was taken for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mixed {
    /// The class.
    pub class: usize,
    /// What was said.
    pub said: usize,
    /// How often.
    pub samples: u64,
}

impl ClassResult {
    /// Which share of the class was recognised, 0 to 1; `None` of a class without samples.
    pub fn recall(&self) -> Option<f64> {
        (self.samples > 0).then(|| self.right as f64 / self.samples as f64)
    }

    /// Which share of what was taken for the class is of it, 0 to 1; `None` of a class that was never said.
    pub fn precision(&self) -> Option<f64> {
        (self.said > 0).then(|| self.right as f64 / self.said as f64)
    }
}

impl Confusion {
    /// Nothing counted yet.
    pub fn new(classes: usize) -> Self {
        Self { classes, counts: vec![0; classes * classes] }
    }

    /// Counts one sample; of a class that is none nothing.
    pub fn add(&mut self, class: usize, said: usize) {
        self.add_many(class, said, 1);
    }

    /// Counts so many samples.
    pub(super) fn add_many(&mut self, class: usize, said: usize, samples: u64) {
        if class.max(said) < self.classes
            && let Some(count) = self.counts.get_mut(class * self.classes + said)
        {
            *count = count.saturating_add(samples);
        }
    }

    /// How often `class` was taken for `said`.
    pub fn count(&self, class: usize, said: usize) -> u64 {
        self.rows().nth(class).and_then(|row| row.get(said)).copied().unwrap_or(0)
    }

    /// A row for each class: how often it was taken for each.
    pub fn rows(&self) -> impl Iterator<Item = &[u64]> {
        self.counts.chunks_exact(self.classes.max(1))
    }

    /// All samples.
    pub fn samples(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Samples that got their class.
    pub fn right(&self) -> u64 {
        self.counts.iter().step_by(self.classes + 1).sum()
    }

    /// How a class fared.
    pub fn of(&self, class: usize) -> ClassResult {
        let samples = self.rows().nth(class).map_or(0, |row| row.iter().sum());
        let said = self.rows().filter_map(|row| row.get(class)).sum();
        ClassResult { samples, right: self.count(class, class), said }
    }

    /// The classes that samples are of or were taken for.
    pub fn present(&self) -> Vec<usize> {
        let is_there = |class: &usize| self.of(*class).samples + self.of(*class).said > 0;
        (0..self.classes).filter(is_there).collect()
    }

    /// Each class with each other one that it was taken for, the most frequent first.
    pub fn mixed(&self) -> Vec<Mixed> {
        let row = |(class, row): (usize, &[u64])| {
            let mixed = move |(said, samples): (usize, &u64)| Mixed { class, said, samples: *samples };
            row.iter().enumerate().map(mixed).collect::<Vec<_>>()
        };
        let mut all: Vec<Mixed> = self.rows().enumerate().flat_map(row).collect();
        all.retain(|mixed| mixed.samples > 0 && mixed.class != mixed.said);
        all.sort_by_key(|mixed| std::cmp::Reverse(mixed.samples));
        all
    }
}
