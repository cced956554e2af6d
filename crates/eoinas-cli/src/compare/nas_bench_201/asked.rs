//! Strategies that ask the benchmark's table.

use std::{collections::BTreeMap, path::Path};

use eoinas_report::Table;
use eoinas_strategy::{Column, NasBench201Table, StrategySearch, TabularEvaluator};
use serde::{Deserialize, Serialize};

use super::Args;
use crate::{
    Error,
    compare::{
        strategy::Strategy,
        table::{self, mean_deviation},
    },
    out::say,
};

/// What strategies found with a budget: `strategies-BUDGET.json` in the study's folder.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Asked {
    budget: usize,
    /// Means of the table's scores and test accuracies: in another table other cells are found.
    means: [f64; 2],
    /// Test accuracies in percent of the best of each seed, by the strategy.
    tests: BTreeMap<String, Vec<f64>>,
}

const SCORE: Column = Column::ValidE12;
const TEST: Column = Column::TestE200;

impl Asked {
    /// Searches with the strategies that are asked for, as JSON printed here; with what the folder has of others and of more seeds.
    ///
    /// # Errors
    /// Settings that cannot work; a file that cannot be read.
    pub fn of(args: &Args, table: &NasBench201Table) -> Result<Self, Error> {
        let mean = |column| {
            let all = table.rows().iter().map(|row| row.accuracy(column));
            all.sum::<f64>() / table.rows().len().max(1) as f64
        };
        let mut asked = Self { budget: args.budget, means: [mean(SCORE), mean(TEST)], tests: BTreeMap::new() };
        for &strategy in &args.strategy {
            let mut tests = Vec::new();
            for seed in 0..args.seeds {
                let evaluator = TabularEvaluator { table, score: SCORE, test: TEST };
                let asking = strategy.build(table.space().clone(), args.budget)?;
                let mut search = StrategySearch::new(asking, evaluator, args.budget, seed);
                search.run(|_| {})?;
                let best = search.history().best().ok_or("a budget of 0 finds nothing; give --budget 1 or more")?;
                let test = best.evaluation.test.map(|test| 100.0 * test);
                if args.json {
                    let line = serde_json::json!({
                        "strategy": strategy.name(), "seed": seed, "budget": args.budget,
                        "genotype": best.genotype.to_string(), "test_accuracy": test,
                    });
                    say!("{line}");
                }
                tests.extend(test);
            }
            asked.tests.insert(strategy.name(), tests);
        }
        let path = args.out.join(asked.name() + ".json");
        if !args.json && path.exists() {
            let there: Self = table::read_json(&path)?;
            for (name, tests) in there.tests.into_iter().filter(|_| there.means == asked.means) {
                let own = asked.tests.entry(name).or_default();
                if tests.len() > own.len() {
                    *own = tests;
                }
            }
        }
        Ok(asked)
    }

    /// Of its files.
    pub fn name(&self) -> String {
        format!("strategies-{}", self.budget)
    }

    /// First the strategies that were asked for.
    pub fn table(&self, first: &[Strategy]) -> Table {
        let mut table = Table::new(["strategy", "seeds", "architectures asked for", "test accuracy of the best, %"]);
        let first: Vec<String> = first.iter().map(|strategy| strategy.name()).collect();
        let others = self.tests.keys().filter(|name| !first.contains(name));
        for (name, tests) in first.iter().chain(others).filter_map(|name| self.tests.get_key_value(name)) {
            let row = [name.clone(), tests.len().to_string(), self.budget.to_string(), mean_deviation(tests)];
            table.rows.push(row.into());
        }
        table
    }

    /// Writes it to the study's folder.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn write(&self, out: &Path) -> Result<(), Error> {
        let json = serde_json::to_string_pretty(self)? + "\n";
        Ok(table::write_whole(&out.join(self.name() + ".json"), &json)?)
    }
}
